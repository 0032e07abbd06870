//! A checker that cannot fail is worth nothing: the truth is believed, and each lie is noticed.

use std::io::{ErrorKind, IoSlice};
use std::panic::catch_unwind;

use wireline_proto::CloseReason;

use super::*;

/// A `GET` whose answer is cut off in its content by this fault, and what an honest driver has to say of it.
fn cut_off(fault: Fault) -> (Scenario, Peer, Outcome) {
    let scenario = scenarios().remove(0);
    // One write and its flush, and three reads in front of it.
    let peer = scenario.peer(Some((6, fault)));
    let request = scenario.request();
    assert_eq!(peer.write(&[IoSlice::new(request.as_bytes())]).unwrap(), request.as_bytes().len());
    peer.flush().unwrap();
    let mut into = [0; 44];
    let read = into.chunks_mut(20).map(|into| peer.read(into).unwrap()).sum::<usize>();
    assert_eq!(read, into.len());
    assert!(peer.read(&mut [0; 20]).map_or(true, |read| read == 0));
    let outcome = Outcome {
        failure: Some(Failure { text: "cut off".to_owned(), is_end: true, bytes_received: 44 }),
        content: into[39..].to_vec(),
        repeated: 0,
        gave_up: false,
        bytes_sent: request.as_bytes().len() as u64,
        progress: Some(Progress::ResponseBegun),
        reuse: Reuse::Never(CloseReason::PeerClosed),
    };
    (scenario, peer, outcome)
}

fn is_believed(lie: impl FnOnce(&mut Outcome)) -> bool {
    let (scenario, peer, mut outcome) = cut_off(Fault::Reset);
    let smooth = b"abcdefghij";
    lie(&mut outcome);
    let name = Named(&scenario, peer.fault());
    catch_unwind(|| check(&name, smooth, &peer, &outcome)).is_ok()
}

#[test]
fn the_truth_is_believed_and_each_lie_is_noticed() {
    assert!(is_believed(|_| {}));
    assert!(!is_believed(|told| told.failure = None));
    assert!(!is_believed(|told| told.failure.as_mut().unwrap().is_end = false));
    assert!(!is_believed(|told| told.content.truncate(3)), "content that came is lost");
    assert!(!is_believed(|told| told.content.push(b'g')), "content that never came");
    assert!(!is_believed(|told| told.bytes_sent += 1));
    assert!(!is_believed(|told| told.reuse = Reuse::Now));
    assert!(!is_believed(|told| told.repeated = ENDLESS));
    assert!(!is_believed(|told| told.progress = Some(Progress::NothingSent)));
    assert!(!is_believed(|told| told.progress = Some(Progress::PartlySent)));
    assert!(!is_believed(|told| told.failure.as_mut().unwrap().bytes_received = 0));
}

#[test]
fn each_fault_is_what_it_says() {
    let read = |fault| {
        let scenario = scenarios().remove(0);
        let peer = scenario.peer(Some((2, fault)));
        peer.write(&[IoSlice::new(scenario.request().as_bytes())]).unwrap();
        let read = peer.read(&mut [0; 20]).map_err(|error| error.kind());
        assert_eq!((peer.has_waited(), peer.has_waited()), (fault.waits(), false));
        (read, peer.read(&mut [0; 20]).map_err(|error| error.kind()))
    };
    assert_eq!(read(Fault::End), (Ok(0), Ok(0)));
    let reset = Err(ErrorKind::ConnectionReset);
    assert_eq!(read(Fault::Reset), (reset, reset));
    let given_up = Err(ErrorKind::TimedOut);
    assert_eq!(read(Fault::GivenUp), (given_up, given_up));
    assert_eq!(read(Fault::Interrupted), (Err(ErrorKind::Interrupted), Ok(20)));
    assert_eq!(read(Fault::Short), (Ok(1), Ok(20)));
    for fault in [Fault::Dropped, Fault::TimeOut, Fault::WouldBlock] {
        assert_eq!(read(fault), (Err(ErrorKind::WouldBlock), Ok(20)));
    }
}
