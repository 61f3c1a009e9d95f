//! What the figures were taken on; without it they mean nothing a month later.

use std::env;
use std::fs;

use serde_json::{Value, json};

use crate::engines::Engine;

/// The processor as the system names it.
fn processor() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| env::consts::ARCH.to_string(), |(_, name)| name.to_string())
}

/// The cargo profile, read off the folder the program stands in: `release`, `default-like`, `debug`.
fn profile() -> String {
    let exe = env::current_exe().ok();
    let folder = exe.as_deref().and_then(|exe| exe.parent()?.file_name()?.to_str());
    folder.unwrap_or("unknown").to_string()
}

pub fn line(engines: &[Box<dyn Engine>]) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let versions: Vec<String> = engines
        .iter()
        .map(|engine| format!("{} {}", engine.name(), engine.version()))
        .collect();
    format!(
        "{}, {cores} cores, profile {}; {}",
        processor(),
        profile(),
        versions.join(", ")
    )
}

pub fn json(engines: &[Box<dyn Engine>]) -> Value {
    let versions: serde_json::Map<String, Value> = engines
        .iter()
        .map(|engine| (engine.name().to_string(), json!(engine.version())))
        .collect();
    json!({ "processor": processor(), "profile": profile(), "engines": versions })
}
