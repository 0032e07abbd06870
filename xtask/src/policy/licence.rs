//! Licences, as SPDX expressions.

/// What may be linked into what we give away under MIT or Apache-2.0.
///
/// CDLA-Permissive-2.0 is a licence of data: of Mozilla's roots, which one optional feature brings.
const ALLOWED: [&str; 9] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
];

/// Whether the expression can be satisfied by licences of the list. AND binds closer than OR; the `/` of old manifests
/// is an OR.
pub(super) fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    alternatives(&mut rest).is_some_and(|allowed| allowed && rest.is_empty())
}

/// `a OR b`; `None` where something is missing.
fn alternatives(words: &mut &[&str]) -> Option<bool> {
    let mut allowed = together(words)?;
    while take(words, "OR") {
        allowed |= together(words)?;
    }
    Some(allowed)
}

/// `a AND b`.
fn together(words: &mut &[&str]) -> Option<bool> {
    let mut allowed = one(words)?;
    while take(words, "AND") {
        allowed &= one(words)?;
    }
    Some(allowed)
}

/// A licence, with its exception if it has one, or an expression in parentheses.
fn one(words: &mut &[&str]) -> Option<bool> {
    if take(words, "(") {
        let allowed = alternatives(words)?;
        return take(words, ")").then_some(allowed);
    }
    let (licence, rest) = words.split_first()?;
    *words = rest;
    if take(words, "WITH") {
        let (exception, rest) = words.split_first()?;
        *words = rest;
        return Some(ALLOWED.contains(&format!("{licence} WITH {exception}").as_str()));
    }
    Some(ALLOWED.contains(licence))
}

fn take(words: &mut &[&str], word: &str) -> bool {
    match words.split_first() {
        Some((first, rest)) if *first == word => {
            *words = rest;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alternative_is_enough_and_all_of_a_conjunction_are_needed() {
        assert!(is_allowed("MIT"));
        assert!(is_allowed("MIT OR GPL-3.0-only"));
        assert!(is_allowed("GPL-3.0-only/MIT"));
        assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception OR GPL-2.0-only"));
        assert!(!is_allowed("MIT AND GPL-3.0-only"));
        assert!(!is_allowed("GPL-3.0-only AND MIT OR GPL-2.0-only"));
        assert!(!is_allowed("GPL-2.0-only WITH Classpath-exception-2.0"));
    }

    #[test]
    fn what_is_no_expression_is_not_allowed() {
        for expression in ["", "MIT OR", "OR MIT", "(MIT", "MIT)", "MIT ISC", "MIT WITH"] {
            assert!(!is_allowed(expression), "{expression}");
        }
    }
}
