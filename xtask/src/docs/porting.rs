//! docs/porting.md: what becomes of a program when it is awaited. The difference is that between two examples.

use std::fmt::Write;

use crate::project::Project;

const BLOCKING: &str = "examples/twin.rs";
const AWAITED: &str = "examples/twin_async.rs";

/// The one line that only the awaited program has.
const RUNTIME: &str = "#[tokio::main]";

const OPENING: &str = "# From blocking to awaited, and back

`tokio_wireline` has the names, the order of arguments, the errors and the verdicts of `wireline`. One example exists twice,
[blocking](../examples/twin.rs) and [awaited](../examples/twin_async.rs), and this is all the difference: the import, `async`
where a function waits, `.await` where it does, and a runtime. A test holds the two against each other.

```diff
";

pub(super) fn page(project: &Project) -> Result<String, String> {
    difference(&project.read(BLOCKING)?, &project.read(AWAITED)?)
}

/// Line for line: nothing else may be there that one of them has alone.
fn difference(blocking: &str, awaited: &str) -> Result<String, String> {
    let mut page = OPENING.to_owned();
    let (mut old, mut new) = (String::new(), String::new());
    let mut before = blocking.lines();
    for (number, line) in (1..).zip(awaited.lines()) {
        if line == RUNTIME {
            let _ = writeln!(new, "+{line}");
            continue;
        }
        let was = before.next().ok_or_else(|| format!("{AWAITED}:{number}: {BLOCKING} has ended"))?;
        if was == line {
            page += &std::mem::take(&mut old);
            page += &std::mem::take(&mut new);
        } else if line.replace(".await", "").replace("async fn", "fn").replace("tokio_wireline", "wireline") == was {
            let _ = (writeln!(old, "-{was}"), writeln!(new, "+{line}"));
        } else {
            return Err(format!("{AWAITED}:{number}: `{line}` is not `{was}` awaited"));
        }
    }
    if let Some(more) = before.next() {
        return Err(format!("{AWAITED} has nothing for `{more}`"));
    }
    Ok(page + &old + &new + "```\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_awaited_may_differ() {
        let blocking = "use wireline::A;\nfn main() {\n    a().b();\n}\n";
        let awaited = "use tokio_wireline::A;\n#[tokio::main]\nasync fn main() {\n    a().await.b().await;\n}\n";
        let page = difference(blocking, awaited).unwrap();
        let expected = "-use wireline::A;\n-fn main() {\n-    a().b();\n+use tokio_wireline::A;\n+#[tokio::main]\n\
            +async fn main() {\n+    a().await.b().await;\n```\n";
        assert!(page.ends_with(expected), "{page}");
        for other in [&awaited.replace("b()", "c()"), "use tokio_wireline::A;\n", &format!("{awaited}\n")] {
            assert!(difference(blocking, other).is_err(), "{other}");
        }
    }
}
