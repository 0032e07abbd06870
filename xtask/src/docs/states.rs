//! docs/states.md: the two tables of the core, as tables and as pictures.

use std::fmt::{Debug, Write};

use wireline_proto::state::{RECEIVE, SEND};

use super::{cell, core_source};
use crate::project::Project;
use crate::source::{Member, Source};

pub(super) fn page(project: &Project) -> Result<String, String> {
    let source = core_source(project, "state.rs")?;
    let mut page = String::from(
        "# What is legal when\n\n\
         A connection is two half-machines joined by the queue of exchanges. A step that is not listed is refused.\n",
    );
    half(&mut page, "The sending half: what we may send", SEND, &source, ["Send", "SendStep"])?;
    half(&mut page, "The receiving half: what the peer may send", RECEIVE, &source, ["Receive", "ReceiveStep"])?;
    Ok(page)
}

fn half<State: Debug, Step: Debug>(
    page: &mut String,
    title: &str,
    table: &[(State, Step, State)],
    source: &Source,
    [states, steps]: [&str; 2],
) -> Result<(), String> {
    let table: Vec<_> = table.iter().map(|(from, step, to)| [name(from), name(step), name(to)]).collect();
    let states = source.members(&["enum", states]);
    let steps = source.members(&["enum", steps]);
    known(&table, &states, &steps)?;
    let _ = write!(page, "\n## {title}\n\n```mermaid\n{}```\n", picture(&table));
    let _ = write!(page, "\n| state | what may be sent next | steps from here |\n| --- | --- | --- |\n");
    for state in &states {
        let from = table.iter().filter(|[from, ..]| *from == state.name);
        let arrows: Vec<_> = from.map(|[_, step, to]| format!("{step} → {to}")).collect();
        let _ = writeln!(page, "| {} | {} | {} |", state.name, cell(&state.doc), arrows.join("<br>"));
    }
    let _ = write!(page, "\n| step | what happens |\n| --- | --- |\n");
    // "The same" in the documentation of a step is the step before it: so they stay in order.
    for step in &steps {
        let _ = writeln!(page, "| {} | {} |", step.name, cell(&step.doc));
    }
    Ok(())
}

fn name(variant: &impl Debug) -> String {
    format!("{variant:?}")
}

/// Each state and each step is of use, and was read from the source with its documentation.
fn known(table: &[[String; 3]], states: &[Member], steps: &[Member]) -> Result<(), String> {
    let missing =
        |names: &[Member], name: &String| !names.iter().any(|member| member.name == *name && !member.doc.is_empty());
    for [from, step, to] in table {
        if missing(states, from) || missing(states, to) || missing(steps, step) {
            return Err(format!("state.rs: {from}, {step} or {to} has no documentation"));
        }
    }
    let used = |member: &&Member| !table.iter().flatten().any(|name| *name == member.name);
    match states.iter().chain(steps).find(used) {
        Some(member) => Err(format!("state.rs: {} occurs in no step", member.name)),
        None => Ok(()),
    }
}

/// A state diagram; the steps between two states share an arrow, and those that change nothing are left out.
fn picture(table: &[[String; 3]]) -> String {
    let mut arrows: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for [from, step, to] in table.iter().filter(|[from, _, to]| from != to) {
        match arrows.iter_mut().find(|(a, b, _)| a == from && b == to) {
            Some((_, _, steps)) => steps.push(step),
            None => arrows.push((from, to, vec![step])),
        }
    }
    let mut picture = String::from("stateDiagram-v2\n    [*] --> Idle\n");
    for (from, to, steps) in arrows {
        let _ = writeln!(picture, "    {from} --> {to}: {}", steps.join(", "));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: &str, step: &str, to: &str) -> [String; 3] {
        [from, step, to].map(str::to_owned)
    }

    #[test]
    fn the_page_has_every_step_of_both_tables() {
        let page = page(&Project::here()).unwrap();
        let arrows: usize = page.lines().map(|line| line.matches(" → ").count()).sum();
        assert_eq!(arrows, SEND.len() + RECEIVE.len());
        assert_eq!(page.matches("```mermaid").count(), 2);
    }

    #[test]
    fn steps_between_two_states_share_an_arrow() {
        let table = [step("Idle", "A", "End"), step("Idle", "B", "Idle"), step("Idle", "C", "End")];
        assert_eq!(picture(&table), "stateDiagram-v2\n    [*] --> Idle\n    Idle --> End: A, C\n");
    }

    #[test]
    fn a_state_without_documentation_or_use_is_an_error() {
        let member =
            |name: &str, doc: &str| Member { name: name.to_owned(), doc: doc.to_owned(), literals: Vec::new() };
        let table = [step("Idle", "A", "End")];
        let states = [member("Idle", "x"), member("End", "x")];
        assert_eq!(known(&table, &states, &[member("A", "x")]), Ok(()));
        assert!(known(&table, &states, &[member("A", "")]).is_err());
        assert!(known(&table, &states[..1], &[member("A", "x")]).is_err());
        assert!(
            known(&table, &states, &[member("A", "x"), member("B", "x")]).unwrap_err().contains("B occurs in no step")
        );
    }
}
