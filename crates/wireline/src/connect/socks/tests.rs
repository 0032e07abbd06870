use super::*;

const USER: Option<(&[u8], &[u8])> = Some((b"ann", b"secret"));
const ASK_NAME: &[u8] = b"\x05\x01\0\x03\x0bexample.org\x01\xbb";

/// What a proxy says, one message for each of ours, and what comes of it.
struct Case {
    credentials: Option<(&'static [u8], &'static [u8])>,
    says: &'static [&'static [u8]],
    result: Result<BoundAddress, SocksError>,
}

fn at(address: &str) -> Result<BoundAddress, SocksError> {
    Ok(BoundAddress::Address(address.parse().unwrap()))
}

fn cases() -> Vec<Case> {
    let case = |credentials, says, result| Case { credentials, says, result };
    let malformed = |offset, byte| Err(SocksError::Malformed { offset, byte });
    vec![
        case(None, &[b"\x05\0", b"\x05\0\0\x01\x7f\0\0\x01\x1f\x90"], at("127.0.0.1:8080")),
        case(None, &[b"\x05\0", b"\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x50"], at("[::1]:80")),
        case(None, &[b"\x05\0", b"\x05\0\0\x03\x04a\xff.b\0\x07"], Ok(BoundAddress::Name(b"a\xff.b".to_vec(), 7))),
        case(None, &[b"\x05\0", b"\x05\0\0\x03\0\0\x07"], Ok(BoundAddress::Name(Vec::new(), 7))),
        // RSV is not looked at.
        case(None, &[b"\x05\0", b"\x05\0\xff\x01\0\0\0\0\0\0"], at("0.0.0.0:0")),
        // Offered both, it may go without.
        case(USER, &[b"\x05\0", b"\x05\0\0\x01\0\0\0\0\0\0"], at("0.0.0.0:0")),
        case(USER, &[b"\x05\x02", b"\x01\0", b"\x05\0\0\x01\0\0\0\0\0\0"], at("0.0.0.0:0")),
        case(USER, &[b"\x05\x02", b"\x05\0", b"\x05\0\0\x01\0\0\0\0\0\0"], at("0.0.0.0:0")),
        case(USER, &[b"\x05\x02", b"\x01\x01"], Err(SocksError::AuthenticationRefused { status: 1 })),
        case(USER, &[b"\x05\x02", b"\0"], malformed(2, 0)),
        case(USER, &[b"\x05\xff"], Err(SocksError::NoAcceptableMethod)),
        case(None, &[b"\x05\xff"], Err(SocksError::NoAcceptableMethod)),
        // GSSAPI, and what had not been offered.
        case(USER, &[b"\x05\x01"], malformed(1, 1)),
        case(None, &[b"\x05\x02"], malformed(1, 2)),
        // SOCKS4, and HTTP.
        case(None, &[b"\0"], malformed(0, 0)),
        case(None, &[b"H"], malformed(0, b'H')),
        case(None, &[b"\x05\0", b"\x04"], malformed(2, 4)),
        case(None, &[b"\x05\0", b"\x05\0\0\x02"], malformed(5, 2)),
        // Refusals, of which some proxies send no more than this.
        case(None, &[b"\x05\0", b"\x05\x01"], Err(SocksError::GeneralFailure)),
        case(None, &[b"\x05\0", b"\x05\x02"], Err(SocksError::NotAllowed)),
        case(None, &[b"\x05\0", b"\x05\x03"], Err(SocksError::NetworkUnreachable)),
        case(None, &[b"\x05\0", b"\x05\x04"], Err(SocksError::HostUnreachable)),
        case(None, &[b"\x05\0", b"\x05\x05"], Err(SocksError::ConnectionRefused)),
        case(None, &[b"\x05\0", b"\x05\x06"], Err(SocksError::TtlExpired)),
        case(None, &[b"\x05\0", b"\x05\x07"], Err(SocksError::CommandNotSupported)),
        case(None, &[b"\x05\0", b"\x05\x08"], Err(SocksError::AddressTypeNotSupported)),
        case(None, &[b"\x05\0", b"\x05\x09"], Err(SocksError::OtherReply { code: 9 })),
        case(USER, &[b"\x05\x02", b"\x01\0", b"\x05\xff"], Err(SocksError::OtherReply { code: 255 })),
    ]
}

/// Lets everything leave, one byte at a time.
fn send(socks: &mut Socks5) -> Vec<u8> {
    let mut sent = Vec::new();
    while let Some(&byte) = socks.transmit().first() {
        sent.push(byte);
        socks.transmitted(1);
    }
    sent
}

/// Hands over one message in the pieces given.
fn receive<'a>(socks: &mut Socks5, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(), SocksError> {
    for piece in pieces {
        assert_eq!(socks.received(piece)?, piece.len());
    }
    Ok(())
}

/// A handshake in which each message of the proxy is cut by `cut`.
fn run<'a, I: IntoIterator<Item = &'a [u8]>>(
    case: &Case,
    cut: impl Fn(&'static [u8]) -> I,
) -> (Result<BoundAddress, SocksError>, Vec<u8>) {
    let mut socks = Socks5::connect("example.org", 443, case.credentials).unwrap();
    let mut sent = Vec::new();
    for (at, message) in case.says.iter().enumerate() {
        sent.extend(send(&mut socks));
        assert!(!socks.is_done(), "before message {at}");
        if let Err(error) = receive(&mut socks, cut(message)) {
            assert_eq!(socks.received(b"\x05"), Err(error), "an error stays");
            assert!(!socks.is_done() && socks.bound().is_none());
            return (Err(error), sent);
        }
    }
    assert_eq!(socks.received(b"more"), Ok(0), "what follows is not ours");
    (Ok(socks.bound().cloned().expect("done")), sent)
}

#[test]
fn what_the_proxy_says_is_understood_however_it_is_cut() {
    for case in cases() {
        let (result, sent) = run(&case, |message| [message]);
        assert_eq!(result, case.result, "{:?}", case.says);
        assert_eq!(run(&case, |message| message.chunks(1)), (result.clone(), sent.clone()), "{:?}", case.says);
        for split in 0..22 {
            let cut = |message: &'static [u8]| {
                let (left, right) = message.split_at(split.min(message.len()));
                [left, right]
            };
            assert_eq!(run(&case, cut), (result.clone(), sent.clone()), "{:?} at {split}", case.says);
        }
    }
}

#[test]
fn nothing_beyond_the_reply_is_consumed() {
    for case in cases().iter().filter(|case| case.result.is_ok()) {
        let (reply, before) = case.says.split_last().unwrap();
        let stream = [*reply, b"from the other end"].concat();
        for split in 0..=stream.len() {
            let mut socks = Socks5::connect("example.org", 443, case.credentials).unwrap();
            for message in before {
                send(&mut socks);
                receive(&mut socks, [*message]).unwrap();
            }
            send(&mut socks);
            let (left, right) = stream.split_at(split);
            let consumed = socks.received(left).unwrap() + socks.received(right).unwrap();
            assert_eq!(consumed, reply.len());
            assert!(socks.is_done());
        }
    }
}

#[test]
fn what_is_sent_is_what_the_rfcs_say() {
    let [name, authenticated] = [0, 6].map(|at| run(&cases()[at], |message| [message]).1);
    assert_eq!(name, [b"\x05\x01\0", ASK_NAME].concat());
    assert_eq!(authenticated, [b"\x05\x02\0\x02\x01\x03ann\x06secret", ASK_NAME].concat());

    let asked = |host: &str| {
        let mut socks = Socks5::connect(host, 0x1234, None).unwrap();
        send(&mut socks);
        receive(&mut socks, [&b"\x05\0"[..]]).unwrap();
        send(&mut socks)
    };
    assert_eq!(asked("192.0.2.1"), b"\x05\x01\0\x01\xc0\0\x02\x01\x12\x34");
    assert_eq!(asked("2001:db8::1"), b"\x05\x01\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x34");
    assert_eq!(asked("a."), b"\x05\x01\0\x03\x02a.\x12\x34");
    let long = "a".repeat(255);
    assert_eq!(asked(&long), [b"\x05\x01\0\x03\xff", long.as_bytes(), b"\x12\x34"].concat());
}

#[test]
fn what_does_not_fit_is_refused_before_a_byte_leaves() {
    let long = "a".repeat(256);
    let refused = |host: &str, credentials| Socks5::connect(host, 1, credentials).err();
    assert_eq!(refused(&long, None), Some(SocksError::Name));
    for host in ["", "a.test\0.b", "a\r\nb", "a b", "\u{7f}"] {
        assert_eq!(refused(host, None), Some(SocksError::Name), "{host:?}");
    }
    assert_eq!(refused("a", Some((long.as_bytes(), b"b"))), Some(SocksError::Credentials));
    assert_eq!(refused("a", Some((b"b", long.as_bytes()))), Some(SocksError::Credentials));
    assert_eq!(refused("a", Some((b"", b"b"))), Some(SocksError::Credentials));
    assert_eq!(refused("a", Some((b"b", b""))), None);
    assert_eq!(refused("a", Some((&long.as_bytes()[1..], &long.as_bytes()[1..]))), None);
}

#[test]
fn a_proxy_that_speaks_unasked_is_not_believed() {
    let success = b"\x05\0\x05\0\0\x01\0\0\0\0\0\0";
    let mut socks = Socks5::connect("a", 1, None).unwrap();
    assert_eq!(socks.clone().received(success), Err(SocksError::Unsolicited { offset: 0 }));
    send(&mut socks);
    assert_eq!(socks.received(success), Err(SocksError::Unsolicited { offset: 2 }));
    assert!(!socks.is_done());
}

#[test]
fn each_byte_in_each_place_is_legal_or_named() {
    for case in cases().iter().filter(|case| case.result.is_ok()) {
        for (message, position) in
            case.says.iter().enumerate().flat_map(|(m, says)| (0..says.len()).map(move |p| (m, p)))
        {
            let before: usize = case.says[..message].iter().map(|says| says.len()).sum();
            for byte in 0..=u8::MAX {
                let mut socks = Socks5::connect("example.org", 443, case.credentials).unwrap();
                for says in &case.says[..message] {
                    send(&mut socks);
                    receive(&mut socks, [*says]).unwrap();
                }
                send(&mut socks);
                receive(&mut socks, [&case.says[message][..position]]).unwrap();
                if let Err(SocksError::Malformed { offset, byte: named }) = socks.received(&[byte]) {
                    assert_eq!((offset, named), ((before + position) as u64, byte));
                }
            }
        }
    }
}

#[test]
fn a_password_is_not_in_debug_output() {
    let mut socks = Socks5::connect("a", 1, USER).unwrap();
    send(&mut socks);
    receive(&mut socks, [&b"\x05\x02"[..]]).unwrap();
    assert!(socks.transmit().ends_with(b"secret"));
    assert_eq!(format!("{socks:?}"), "Socks5 { step: Authentication, received: 2, .. }");
}

#[test]
#[should_panic(expected = "4 bytes have left, and 3 were to")]
fn more_than_there_was_cannot_have_left() {
    Socks5::connect("a", 1, None).unwrap().transmitted(4);
}
