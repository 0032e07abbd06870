//! The request for a URL, as the flags describe it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wireline::{Framing, InvalidRequest, Method, Request, RequestBuilder, Version};

use crate::args::{Args, FieldEdit};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::upload::{self, Upload};
use crate::url::Url;

/// Who asks, unless `-H` says otherwise.
const USER_AGENT: &str = concat!("wireline/", env!("CARGO_PKG_VERSION"));

/// Makes the request for `url` with the content of `upload`.
pub(crate) fn build(args: &Args, url: &Url, upload: Option<&Upload>) -> Result<Request, Failure> {
    if let Some(source) = &args.raw_request {
        return raw(args, upload::read_all(source)?);
    }
    let fault = |invalid| refused(args, url, invalid);
    let Some(upload) = upload else { return head(args, url).build().map_err(fault) };
    // Whether the fields given by the user already frame the content is the core's to tell.
    let framing = match head(args, url).build() {
        Ok(request) => request.framing(),
        Err(InvalidRequest::ExpectWithoutContent) => Framing::None,
        Err(invalid) => return Err(fault(invalid)),
    };
    let mut builder = head(args, url);
    if args.upload.is_none() && !is_edited(args, b"content-type") {
        builder = builder.field("Content-Type", "application/x-www-form-urlencoded");
    }
    if framing == Framing::None {
        builder = match upload.length() {
            Some(length) => builder.content_length(length),
            None => builder.chunked(),
        };
    }
    // Content that is known to be empty has nothing to wait with.
    if args.expect.is_some() && upload.length() != Some(0) {
        builder = builder.expect_continue();
    }
    builder.build().map_err(fault)
}

/// The head without what belongs to the content.
fn head(args: &Args, url: &Url) -> RequestBuilder {
    let method = match &args.method {
        Some(method) => method.as_str(),
        None if !args.data.is_empty() => "POST",
        None if args.upload.is_some() => "PUT",
        None => "GET",
    };
    let is_connect = method == Method::CONNECT.as_str();
    let target = match &args.target {
        Some(target) => target.clone(),
        None if is_connect => url.authority(),
        None => url.target.clone(),
    };
    // Host names what the target names (RFC 9112 section 3.2): a tunnel's end, or another URL asked of a proxy.
    let host = match Url::parse(&target) {
        _ if is_connect => target.clone(),
        Ok(absolute) => absolute.host_field(),
        Err(_) => url.host_field(),
    };
    let mut builder = Request::builder(method, &target);
    if args.http10 {
        builder = builder.version(Version::HTTP_10);
    }
    if !is_edited(args, b"host") {
        builder = builder.host(host);
    }
    let defaults = [
        ("Authorization", url.credentials().map(|pair| format!("Basic {}", STANDARD.encode(pair)))),
        ("User-Agent", Some(USER_AGENT.to_owned())),
        ("Accept", Some("*/*".to_owned())),
        ("Range", args.range.as_ref().map(|range| format!("bytes={range}"))),
    ];
    for (name, value) in defaults {
        if let Some(value) = value.filter(|_| !is_edited(args, name.as_bytes())) {
            builder = builder.field(name, value);
        }
    }
    for edit in &args.edits {
        if let FieldEdit::Add { name, value } = edit {
            builder = builder.field(name, value);
        }
    }
    builder
}

/// Whether a `-H` is about the field `name`, so that the command's own does not go out.
fn is_edited(args: &Args, name: &[u8]) -> bool {
    args.edits.iter().any(|edit| edit.name().eq_ignore_ascii_case(name))
}

fn raw(args: &Args, bytes: Vec<u8>) -> Result<Request, Failure> {
    let first_word = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
    let method = match &args.method {
        Some(method) => Method::from_bytes(method.as_bytes())
            .map_err(|_| Failure::new(Exit::Usage, "request", InvalidRequest::Method.to_string()))?,
        // Bytes that begin with no method are answered, if at all, as a GET would be.
        None => Method::from_bytes(first_word).unwrap_or_default(),
    };
    Ok(Request::unchecked(bytes, method))
}

fn refused(args: &Args, url: &Url, invalid: InvalidRequest) -> Failure {
    let is_target = matches!(
        invalid,
        InvalidRequest::Target { .. } | InvalidRequest::TargetForm | InvalidRequest::UserinfoInTarget
    );
    let exit = if is_target && args.target.is_none() { Exit::Url } else { Exit::Usage };
    let shown = url.text.escape_debug();
    Failure::new(exit, "request", format!("{shown}: this request is not sent: {invalid}"))
}

#[cfg(test)]
mod tests;
