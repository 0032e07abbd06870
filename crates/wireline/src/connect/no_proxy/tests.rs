use super::*;

fn matches(list: &str, url: &str) -> bool {
    let parsed = NoProxy::parse(list);
    assert_eq!(parsed.not_understood(), [""; 0], "{list}");
    parsed.matches(&Origin::parse(url).unwrap())
}

#[test]
fn an_entry_matches_what_it_names_and_nothing_else() {
    let table: &[(&str, &[&str], &[&str])] = &[
        ("", &[], &["http://a"]),
        ("*", &["http://a", "https://10.0.0.1", "http://[::1]:81"], &[]),
        ("*:81", &["http://a:81"], &["http://a"]),
        (
            "example.org",
            &["http://example.org", "https://EXAMPLE.org:81", "http://a.b.Example.Org", "http://example.org."],
            &["http://notexample.org", "http://org", "http://example.org.net", "http://example.com"],
        ),
        (".example.org", &["http://example.org", "http://a.example.org"], &["http://notexample.org"]),
        ("*.example.org", &["http://example.org", "http://a.example.org"], &["http://notexample.org"]),
        ("EXAMPLE.ORG.", &["http://example.org", "http://a.example.org."], &["http://example.or"]),
        ("example.org:80", &["http://example.org", "http://a.example.org"], &["https://example.org"]),
        ("a, b,,c\td\n e ", &["http://a", "http://b", "http://c", "http://d", "http://e"], &["http://f"]),
        ("0.1", &["http://a.0.1"], &["http://10.0.0.1"]),
        ("my_host", &["http://my_host"], &[]),
        // Addresses are compared as addresses.
        (
            "127.0.0.1",
            &["http://127.0.0.1:81", "http://[::ffff:127.0.0.1]"],
            &["http://127.0.0.2", "http://a.127.0.0.1"],
        ),
        ("127.0.0.1:81", &["http://127.0.0.1:81"], &["http://127.0.0.1"]),
        ("::1", &["http://[::1]", "http://[0:0:0:0:0:0:0:1]:81"], &["http://[::2]", "http://1"]),
        ("[0:0::1]", &["http://[::1]:81"], &["http://[::]"]),
        ("[::1]:81", &["http://[::1]:81"], &["http://[::1]"]),
        ("::ffff:10.0.0.1", &["http://10.0.0.1"], &["http://[::10.0.0.1]"]),
        // Networks, with whatever stands behind the prefix.
        ("10.1.2.3/8", &["http://10.0.0.0", "http://10.255.255.255"], &["http://11.0.0.0", "http://9.255.255.255"]),
        ("10.0.0.0/8:81", &["http://10.0.0.1:81"], &["http://10.0.0.1"]),
        ("10.0.0.128/25", &["http://10.0.0.128", "http://10.0.0.255"], &["http://10.0.0.127", "http://10.0.1.128"]),
        ("10.0.0.1/32", &["http://10.0.0.1"], &["http://10.0.0.0", "http://10.0.0.2"]),
        ("0.0.0.0/0", &["http://255.0.0.1", "http://[::ffff:1.2.3.4]"], &["http://[::1]", "http://a"]),
        ("::/0", &["http://[::1]", "http://[ffff::]"], &["http://1.2.3.4", "http://a"]),
        ("2001:db8::/33", &["http://[2001:db8:7fff::]"], &["http://[2001:db8:8000::]", "http://[2001:db9::]"]),
        ("[fe80::]/10", &["http://[febf::1]"], &["http://[fec0::1]"]),
        ("[fe80::]/10:81", &["http://[fe80::1]:81"], &["http://[fe80::1]"]),
        ("fe80::/10:81", &["http://[fe80::1]:81"], &["http://[fe80::1]"]),
        ("::ffff:0:0/96", &["http://1.2.3.4"], &["http://[::1]"]),
        ("::1/128", &["http://[::1]"], &["http://[::]"]),
    ];
    for (list, direct, through) in table {
        for url in *direct {
            assert!(matches(list, url), "{list:?} excepts {url}");
        }
        for url in *through {
            assert!(!matches(list, url), "{list:?} does not except {url}");
        }
    }
}

#[test]
fn what_means_nothing_matches_nothing_and_is_told() {
    for text in [
        "http://example.org",
        "example.org/",
        "example..org",
        ".",
        "*.",
        "**",
        "a*b",
        "a:b",
        "a:",
        "a:+1",
        "a:65536",
        ":80",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "10.0.0.0/4294967295",
        "10.0.0.0/255.0.0.0",
        "10.*",
        "::1/129",
        "::1::",
        "[::1",
        "[10.0.0.1]",
        "[::1/64]",
        "fe80::1%eth0",
        "1:2:3:4:5:6:7:8:9",
        "b\u{fc}cher.example",
        "ann@example.org",
    ] {
        let parsed = NoProxy::parse(&format!("a.example,{text}"));
        assert_eq!(parsed.not_understood(), [text]);
        assert!(parsed.matches(&Origin::parse("http://a.example").unwrap()), "{text}");
        for url in ["http://example.org", "http://10.0.0.1", "http://[::1]", "http://a", "http://b:80"] {
            assert!(!parsed.matches(&Origin::parse(url).unwrap()), "{text} {url}");
        }
    }
}

#[test]
fn every_prefix_length_is_its_bits() {
    // 10.10.10.10 with one bit turned, at each place.
    let address = 0x0a0a_0a0a_u32;
    for prefix in 0..=32_u32 {
        let list = format!("10.10.10.10/{prefix}");
        for bit in 0..32_u32 {
            let other = std::net::Ipv4Addr::from(address ^ (1 << (31 - bit)));
            assert_eq!(matches(&list, &format!("http://{other}")), bit >= prefix, "{list} {other}");
        }
    }
    for prefix in 0..=128_u32 {
        let list = format!("2001:db8::7/{prefix}");
        let address = u128::from("2001:db8::7".parse::<std::net::Ipv6Addr>().unwrap());
        for bit in 0..128_u32 {
            let other = std::net::Ipv6Addr::from(address ^ (1 << (127 - bit)));
            assert_eq!(matches(&list, &format!("http://[{other}]")), bit >= prefix, "{list} {other}");
        }
    }
}
