use std::path::Path;

use super::*;
use crate::CoreLayer;

/// A case with this log.
fn case(log: &str) -> Case {
    let text = format!(
        "## Title <!-- rfc9112 6.3 -->\n```send\nGET / HTTP/1.1\nHost: a\n\n```\n\
         ```recv\nHTTP/1.1 200 OK\nContent-Length: 3\n\nabc\\\n```\n```log\n{log}```\n"
    );
    Case::parse(Path::new("file.md"), &text).unwrap().remove(0)
}

#[test]
fn a_difference_names_its_place_and_shows_both_logs() {
    let wrong = case(
        "@0 response 0: 200, 1 field line, length 3\n@38 content \"abd\"\n@41 end 0\n\
                      reuse: now      unanswered: none\n",
    );
    let difference = check(&CoreLayer::default(), &wrong).unwrap_err().to_string();
    let expected = "file.md:1: Title\n\
                    through wireline-proto, whole (- expected, + found):\n  \
                      @0 response 0: 200, 1 field line, length 3\n  \
                    - @38 content \"abd\"\n  \
                    + @38 content \"abc\"\n  \
                      @41 end 0\n  \
                      reuse: now      unanswered: none\n";
    assert_eq!(difference.replace("    @", "  @").replace("    reuse", "  reuse"), expected);
}

#[test]
fn every_segmentation_is_checked() {
    /// Says something else when a CRLF is cut.
    struct Fragile;
    impl Layer for Fragile {
        fn name(&self) -> &str {
            "fragile"
        }
        fn run(&self, case: &Case, segmentation: Segmentation) -> Log {
            let log = CoreLayer::default().run(case, segmentation);
            if segmentation == Segmentation::At(16) { log.only(|_| false) } else { log }
        }
    }
    let right = case(
        "@0 response 0: 200, 1 field line, length 3\n@38 content \"abc\"\n@41 end 0\n\
                      reuse: now      unanswered: none\n",
    );
    assert!(check(&CoreLayer::default(), &right).unwrap());
    let difference = check(&Fragile, &right).unwrap_err().to_string();
    assert!(difference.contains("through fragile, cut behind byte 16 "), "{difference}");
}

#[test]
fn streams_are_cut_everywhere_and_long_ones_in_many_places() {
    assert_eq!(Segmentation::all(b""), [Segmentation::Whole]);
    assert_eq!(Segmentation::all(b"ab"), [Segmentation::Whole, Segmentation::At(1), Segmentation::EveryByte]);
    assert_eq!(Segmentation::all(&[0; 2000]).len(), 2001);
    let mut long = vec![b'a'; 100_000];
    long[5001] = b'\n';
    let all = Segmentation::all(&long);
    assert!((5000..=5003).all(|cut| all.contains(&Segmentation::At(cut))));
    assert!((200..210).contains(&all.len()), "{}", all.len());
    let pieces = |segmentation: Segmentation| segmentation.pieces(b"abcd", 10).map(<[u8]>::len).collect::<Vec<_>>();
    assert_eq!(pieces(Segmentation::Whole), [4]);
    assert_eq!(pieces(Segmentation::EveryByte), [1; 4]);
    assert_eq!(pieces(Segmentation::At(11)), [1, 3]);
    assert_eq!(pieces(Segmentation::At(10)), [4]);
    assert_eq!(pieces(Segmentation::At(20)), [4]);
}

#[test]
fn common_lines_stand_once() {
    let lines = compare(&["a", "b", "c"], &["b", "x", "c"]);
    assert_eq!(lines, [('-', "a"), (' ', "b"), ('+', "x"), (' ', "c")]);
}
