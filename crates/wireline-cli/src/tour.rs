//! `wireline tour`: the main job on loopback. Every line with a mark is a claim that has just been checked.

mod failures;
mod page;
mod pipelining;
mod responses;
mod upload;
mod waiting;

use std::error::Error;
use std::time::Instant;

use wireline::{Connection, Connector, Stream};
use wireline_testkit::Origin;

use crate::exit::Exit;
use crate::output::human::say;
use page::{Page, Record};

/// What keeps a stop from being shown at all.
type Stop = Result<(), Box<dyn Error>>;

/// Goes through all stops.
pub(crate) fn run() -> Exit {
    let begun = Instant::now();
    let mut page = Page::new();
    let result = stops(&mut page);
    if let Err(error) = &result {
        say(format!("wireline: the tour broke off: {error}\n"));
    }
    page.end(begun.elapsed());
    match (page.is_written(), result.is_ok() && page.is_true()) {
        (false, _) => Exit::Output,
        (true, false) => Exit::CheckFailed,
        (true, true) => Exit::Success,
    }
}

fn stops(page: &mut Page) -> Stop {
    let origin = Origin::start()?;
    page.text("wireline, shown against an origin of its own on loopback.");
    page.text("Seconds since the stop began, > sent, < received, and what was checked of it (marked).");
    responses::get(page, &origin)?;
    responses::chunked(page, &origin)?;
    upload::refused(page, &origin)?;
    upload::answered_in_its_middle(page)?;
    pipelining::sixteen(page, &origin)?;
    pipelining::without_deadlock(page)?;
    waiting::canceled(page)?;
    failures::lost(page)?;
    failures::smuggling(page, &origin)
}

/// A connection to the server at `url`, and what passes on it.
fn connect(url: &str, connector: Connector) -> Result<(Connection<Stream>, Record), Box<dyn Error>> {
    let record = Record::new();
    let mut connection = connector.connect(&wireline::Origin::parse(url)?)?;
    connection.set_tap(Some(Box::new(record.clone())));
    Ok((connection, record))
}
