//! The lines of `config` blocks.

use wireline_proto::{Config, Leniency, Limits};

/// Applies one line; `true` when it was `show fields`.
pub(super) fn apply(line: &str, config: &mut Config) -> Result<bool, String> {
    let words: Vec<_> = line.split_whitespace().collect();
    match words.as_slice() {
        ["leniency", name] => {
            if !config.leniency.set(name, true) {
                return Err(format!("there is no leniency `{name}`"));
            }
        }
        ["limit", name, value] => {
            let limit = limit(&mut config.limits, name).ok_or_else(|| format!("there is no limit `{name}`"))?;
            *limit = value.parse().map_err(|_| format!("`{value}` is no number"))?;
        }
        ["pipeline_any_method"] => config.pipeline_any_method = true,
        ["preset", "browser"] => config.leniency = Leniency::BROWSER,
        ["preset", "http-client"] => config.leniency = Leniency::HTTP_CLIENT,
        ["preset", "strict"] => config.leniency = Leniency::STRICT,
        ["refuse_obs_fold"] => config.refuse_obs_fold = true,
        ["show", "fields"] => return Ok(true),
        _ => return Err(format!("`{line}` is no setting")),
    }
    Ok(false)
}

fn limit<'a>(limits: &'a mut Limits, name: &str) -> Option<&'a mut u32> {
    Some(match name {
        "start_line" => &mut limits.start_line,
        "field_line" => &mut limits.field_line,
        "head" => &mut limits.head,
        "fields" => &mut limits.fields,
        "interim_responses" => &mut limits.interim_responses,
        "interim_bytes" => &mut limits.interim_bytes,
        "chunk_line" => &mut limits.chunk_line,
        "chunk_extensions" => &mut limits.chunk_extensions,
        "trailers" => &mut limits.trailers,
        "trailer_fields" => &mut limits.trailer_fields,
        "leading_empty_lines" => &mut limits.leading_empty_lines,
        "receive_buffer" => &mut limits.receive_buffer,
        "transmit_buffer" => &mut limits.transmit_buffer,
        _ => return None,
    })
}
