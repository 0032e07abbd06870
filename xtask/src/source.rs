//! Rust source as tokens and comments, each with its line, tests marked as such.
//!
//! What the checks and the generated pages read is tokens, not lines of text: a word in a string is no comment, and a
//! `//` in a URL starts none.

use std::ops::Range;

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Close,
    /// A documentation comment, without its slashes.
    Doc,
    Ident,
    Literal,
    Open,
    /// One operator; several characters that stand together are one.
    Punct,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// Part of an item under `#[cfg(test)]`.
    pub(crate) test: bool,
}

/// One file.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) tokens: Vec<Token>,
    /// Comments other than documentation, with the line on which each begins.
    pub(crate) comments: Vec<(usize, String)>,
}

/// A field, a variant, or an entry of a declaring macro.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Its documentation as Markdown, links to items taken apart: only their texts are left.
    pub(crate) doc: String,
    /// The strings of a macro's entry.
    pub(crate) literals: Vec<String>,
}

impl Source {
    /// Reads a file; the error says where it is no Rust.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let stream: TokenStream =
            text.parse().map_err(|error: proc_macro2::LexError| format!("{}: {error}", error.span().start().line))?;
        let mut reader = Reader { text, source: Self::default(), end: 0, end_line: 1 };
        reader.read(stream, false);
        reader.gap(text.len());
        Ok(reader.source)
    }

    /// How many lines are in items under `#[cfg(test)]`.
    pub(crate) fn test_lines(&self) -> usize {
        let mut lines: Vec<usize> = Vec::new();
        let mut first = None;
        for token in &self.tokens {
            match (token.test, first) {
                (true, None) => first = Some(token.line),
                (false, Some(_)) => first = None,
                _ => {}
            }
            if let Some(first) = first {
                // From the first token of a run of test tokens on, every line up to here belongs to tests.
                let start = lines.last().map_or(first, |last| first.max(last + 1));
                lines.extend(start..=token.line);
            }
        }
        lines.len()
    }

    /// Whether there is a test of this name.
    pub(crate) fn has_test(&self, name: &str) -> bool {
        let is_fn = |at: &usize| self.tokens[*at].text == "fn" && self.tokens[*at].kind == Kind::Ident;
        (0..self.tokens.len()).filter(is_fn).any(|at| self.test_at(at) == Some(name))
    }

    /// The name of the function whose `fn` is the token `at`, if it is a test: by its attribute, or since a macro that makes
    /// tests lists it.
    pub(crate) fn test_at(&self, at: usize) -> Option<&str> {
        let ends = |token: &Token| matches!(token.text.as_str(), "{" | "}" | ";");
        let mut before = self.tokens[..at].iter().rev().take_while(|token| !ends(token));
        let name = &self.tokens.get(at + 1)?.text;
        let is_marked = before.any(|token| token.kind == Kind::Ident && token.text == "test");
        let is_listed = self.tokens.iter().filter(|token| token.kind == Kind::Ident && token.text == *name).count() > 1;
        (is_marked || is_listed).then_some(name)
    }

    /// The fields of a struct or the variants of an enum: `of(&["enum", "Misuse"])`. The entries of a macro's call:
    /// `of(&["leniencies", "!"])`.
    pub(crate) fn members(&self, of: &[&str]) -> Vec<Member> {
        let opens = |at: &usize| {
            let tokens = &self.tokens;
            tokens[*at].kind == Kind::Open
                && *at >= of.len()
                && of.iter().zip(&tokens[at - of.len()..*at]).all(|(wanted, token)| token.text == *wanted)
        };
        let Some(open) = (0..self.tokens.len()).find(opens) else { return Vec::new() };
        let mut members = Vec::new();
        let mut doc = Vec::new();
        let mut depth = 0;
        let mut named = false;
        for token in &self.tokens[open..] {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth -= 1,
                _ if depth != 1 => {}
                Kind::Doc => doc.push(token.text.as_str()),
                Kind::Ident if !named && token.text != "pub" => {
                    members.push(Member { name: token.text.clone(), doc: prose(&doc), literals: Vec::new() });
                    doc.clear();
                    named = true;
                }
                Kind::Literal => {
                    let text = token.text.trim_matches('"').replace("\\\"", "\"");
                    members.last_mut().into_iter().for_each(|member| member.literals.push(text.clone()));
                }
                Kind::Punct if token.text == "," || token.text == ";" => named = false,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        members
    }
}

/// Lines of documentation as Markdown for a page: code blocks left out, `[`X`](path)` and `[`X`]` become `` `X` ``.
fn prose(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut in_code = false;
    for line in lines.iter().map(|line| line.trim()) {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if !in_code && !line.is_empty() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else { break };
        plain += &format!("{before}`{name}`");
        rest = after.strip_prefix('(').and_then(|target| target.split_once(')')).map_or(after, |(_, after)| after);
    }
    plain + rest
}

struct Reader<'a> {
    text: &'a str,
    source: Source,
    /// The end of the last token: what stands between two tokens is white space and comments.
    end: usize,
    /// The line of that end.
    end_line: usize,
}

impl Reader<'_> {
    fn read(&mut self, stream: TokenStream, in_test: bool) {
        let mut trees = stream.into_iter().peekable();
        let mut test = in_test;
        let mut joined = false;
        while let Some(tree) = trees.next() {
            let was_joined = std::mem::take(&mut joined);
            match tree {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if self.doc(punct.span(), test) {
                        // The rest of what a documentation comment stands for: `!`, and `[doc = "..."]`.
                        while trees.next_if(|tree| !matches!(tree, TokenTree::Group(_))).is_some() {}
                        trees.next();
                        continue;
                    }
                    if let Some(TokenTree::Group(attribute)) = trees.peek() {
                        test |= is_cfg_test(attribute.stream());
                    }
                    self.token(Kind::Punct, "#".to_owned(), punct.span(), test);
                }
                TokenTree::Punct(punct) => {
                    joined = punct.spacing() == Spacing::Joint;
                    match self.source.tokens.last_mut() {
                        Some(last) if was_joined => {
                            last.text.push(punct.as_char());
                            self.ended(punct.span());
                        }
                        _ => self.token(Kind::Punct, punct.as_char().to_string(), punct.span(), test),
                    }
                    if punct.as_char() == ';' {
                        test = in_test;
                    }
                }
                TokenTree::Ident(ident) => self.token(Kind::Ident, ident.to_string(), ident.span(), test),
                TokenTree::Literal(literal) => {
                    self.token(Kind::Literal, literal.to_string(), literal.span(), test);
                }
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::None => ("", ""),
                    };
                    self.token(Kind::Open, open.to_owned(), group.span_open(), test);
                    self.read(group.stream(), test);
                    self.token(Kind::Close, close.to_owned(), group.span_close(), test);
                    if group.delimiter() == Delimiter::Brace {
                        test = in_test;
                    }
                }
            }
        }
    }

    /// Takes a documentation comment, of which `span` is the whole; `false` when it is an attribute.
    fn doc(&mut self, span: Span, test: bool) -> bool {
        let comment = self.slice(span.byte_range());
        let Some(lines) = comment.strip_prefix("//").or_else(|| comment.strip_prefix("/*")) else { return false };
        let lines = lines.trim_start_matches(['/', '!', '*']).trim_end_matches("*/");
        let line = span.start().line;
        let tokens: Vec<_> = lines
            .lines()
            .enumerate()
            .map(|(at, text)| Token { kind: Kind::Doc, text: text.trim().to_owned(), line: line + at, test })
            .collect();
        self.gap(span.byte_range().start);
        self.source.tokens.extend(tokens);
        self.ended(span);
        true
    }

    fn token(&mut self, kind: Kind, text: String, span: Span, test: bool) {
        let range = span.byte_range();
        self.gap(range.start);
        self.source.tokens.push(Token { kind, text, line: span.start().line, test });
        self.ended(span);
    }

    fn ended(&mut self, span: Span) {
        self.end = span.byte_range().end;
        self.end_line = span.end().line;
    }

    /// Looks for comments between the last token and the next one.
    fn gap(&mut self, next: usize) {
        let gap = self.slice(self.end..next.max(self.end));
        let comments: Vec<_> = gap
            .lines()
            .enumerate()
            .filter(|(_, text)| !text.trim().is_empty())
            .map(|(at, text)| (self.end_line + at, text.trim().to_owned()))
            .collect();
        self.source.comments.extend(comments);
    }

    fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }
}

/// Whether an attribute is `cfg(test)`, alone or among other conditions.
fn is_cfg_test(attribute: TokenStream) -> bool {
    let mut trees = attribute.into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(condition))) if name == "cfg" => {
            let words: Vec<String> =
                condition.stream().to_string().split([' ', '(', ')', ',']).map(str::to_owned).collect();
            words.iter().any(|word| word == "test") && !words.iter().any(|word| word == "not")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = r#"//! The file.

use a::b; // why
/// How much: [`Size`](crate::Size) or [`Other`].
///
/// ```
/// hidden()
/// ```
/// More.
#[derive(Debug)]
pub struct Box {
    /// A url.
    pub url: &'static str,
    #[cfg(feature = "x")]
    pub(crate) size: u32,
}
const URL: &str = "http://x"; /* a
 block */
fn f() -> bool { a == 200 && b..=c }

#[cfg(test)]
mod tests {
    // in a test
    fn g() {}
}
"#;

    #[test]
    fn comments_are_what_stands_between_tokens() {
        let source = Source::parse(FIXTURE).unwrap();
        let comments: Vec<_> = source.comments.iter().map(|(line, text)| (*line, text.as_str())).collect();
        assert_eq!(comments, [(3, "// why"), (17, "/* a"), (18, "block */"), (23, "// in a test")]);
        let docs: Vec<_> =
            source.tokens.iter().filter(|token| token.kind == Kind::Doc).map(|token| token.line).collect();
        assert_eq!(docs, [1, 4, 6, 7, 8, 9, 12]);
    }

    #[test]
    fn operators_are_one_token_and_keep_their_lines() {
        let source = Source::parse(FIXTURE).unwrap();
        let at =
            |text: &str| source.tokens.iter().find(|token| token.text == text).map(|token| (token.line, token.kind));
        assert_eq!(at("=="), Some((19, Kind::Punct)));
        assert_eq!(at("..="), Some((19, Kind::Punct)));
        assert_eq!(at("200"), Some((19, Kind::Literal)));
    }

    #[test]
    fn tests_are_marked() {
        let source = Source::parse(FIXTURE).unwrap();
        let test = |text: &str| source.tokens.iter().any(|token| token.text == text && token.test);
        assert!(test("g") && !test("f") && !test("size"));
        assert_eq!(source.test_lines(), 5);
        assert_eq!(Source::parse("#[cfg(not(test))] fn f() {}").unwrap().test_lines(), 0);
        let one = Source::parse("#[cfg(test)]\nuse a::b;\nfn f() {}").unwrap();
        assert_eq!(one.test_lines(), 2);
    }

    #[test]
    fn a_test_is_known_by_its_attribute_or_by_a_list() {
        let text = "over! { listed }\n#[tokio::test]\nasync fn marked() {}\nfn helper() {}\nfn listed() {}\n";
        let source = Source::parse(text).unwrap();
        assert!(source.has_test("marked") && source.has_test("listed"));
        assert!(!source.has_test("helper") && !source.has_test("over") && !source.has_test("gone"));
    }

    #[test]
    fn members_come_with_their_documentation() {
        let source = Source::parse(FIXTURE).unwrap();
        let members = source.members(&["struct", "Box"]);
        assert_eq!(members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["url", "size"]);
        assert_eq!(members[0].doc, "A url.");
        let list =
            Source::parse("macro_rules! list { () => {} } list! { /** A [`B`](c) d. */ one { x: u8 } = \"1\"; two; }")
                .unwrap();
        let members = list.members(&["list", "!"]);
        assert_eq!(members.len(), 2);
        assert_eq!((members[0].name.as_str(), members[0].doc.as_str()), ("one", "A `B` d."));
        assert_eq!(members[0].literals, ["1"]);
    }

    #[test]
    fn prose_leaves_code_and_links_out() {
        assert_eq!(prose(&["See [`A`](b::A) and", "", "```", "code", "```", "[`C`]."]), "See `A` and `C`.");
    }

    #[test]
    fn what_is_no_rust_is_an_error() {
        assert!(Source::parse("fn f( {").is_err());
    }
}
