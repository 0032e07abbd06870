use std::io::{ErrorKind, IoSlice, Read, Write};
use std::time::Duration;

use super::*;

#[test]
fn a_segment_larger_than_the_buffer_takes_several_reads() {
    let mut stream = SplitStream::new(["abcde", "", "fg"]);
    assert_eq!(stream.unread(), 7);
    let mut buffer = [0; 3];
    let reads: Vec<_> = (0..4).map(|_| stream.read(&mut buffer).unwrap()).collect();
    assert_eq!(reads, [3, 2, 2, 0]);
}

#[test]
fn each_write_is_kept_apart() {
    let mut stream = SplitStream::default();
    assert_eq!(stream.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"c")]).unwrap(), 3);
    stream.write_all(b"d").unwrap();
    assert_eq!(stream.writes().collect::<Vec<_>>(), [&b"abc"[..], b"d"]);
    assert_eq!(stream.written(), b"abcd");
}

#[test]
fn faults_come_at_the_calls_that_were_named() {
    let stream = FaultyStream::new(SplitStream::new(["abc"]))
        .fail_reads(0..=0, ErrorKind::Interrupted)
        .fail_reads(3.., ErrorKind::ConnectionReset)
        .fail_writes(1..=1, ErrorKind::BrokenPipe)
        .short_writes(2);
    let mut stream = stream.short_reads(1);
    let mut buffer = [0; 8];
    let mut read = || stream.read(&mut buffer).map_err(|error| error.kind());
    assert_eq!(read(), Err(ErrorKind::Interrupted));
    assert_eq!((read(), read()), (Ok(1), Ok(1)));
    assert_eq!((read(), read()), (Err(ErrorKind::ConnectionReset), Err(ErrorKind::ConnectionReset)));
    assert_eq!(stream.write(b"xyz").unwrap(), 2);
    assert_eq!(stream.write(b"z").unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(stream.write(b"z").unwrap(), 1);
    assert_eq!((stream.reads(), stream.writes()), (5, 3));
    assert_eq!(stream.into_inner().written(), b"xyz");
}

#[test]
fn a_faulty_stream_ends_at_a_byte() {
    let mut stream = FaultyStream::new(SplitStream::new(["abc", "def"])).end_reads_after(4).end_writes_after(1);
    let mut read = Vec::new();
    stream.read_to_end(&mut read).unwrap();
    assert_eq!(read, b"abcd");
    assert_eq!(stream.write(b"xy").unwrap(), 1);
    assert_eq!(stream.write(b"y").unwrap(), 0);
}

#[test]
fn a_full_pipe_waits_for_its_reader() {
    let (mut client, mut server) = duplex(4);
    let sent: Vec<u8> = (0..=255).collect();
    let received = std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            received
        });
        client.write_all(&sent).unwrap();
        drop(client);
        reader.join().unwrap()
    });
    assert_eq!(received, sent);
}

#[test]
fn a_pipe_without_patience_would_block() {
    let (mut client, mut server) = duplex(4);
    client.set_patience(Some(Duration::ZERO));
    assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(client.write(b"abcdef").unwrap(), 4);
    assert_eq!(client.write(b"ef").unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(server.readable(), 4);
    server.set_patience(Some(Duration::from_millis(1)));
    assert_eq!(server.read(&mut [0; 9]).unwrap(), 4);
    assert_eq!(server.read(&mut [0; 9]).unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn a_pipe_closes_half_breaks_and_ends() {
    let (mut client, mut server) = duplex(4);
    client.close_write();
    assert_eq!(server.read(&mut [0; 1]).unwrap(), 0);
    server.write_all(b"ok").unwrap();
    assert_eq!(client.read(&mut [0; 9]).unwrap(), 2);
    drop(client);
    assert_eq!(server.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);

    let (mut client, mut server) = duplex(4);
    server.write_all(b"lost").unwrap();
    server.reset();
    assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::ConnectionReset);
}
