//! Wall time and CPU time of one stretch of work.

use std::ops::Add;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// A stretch of work, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub wall_ms: f64,
    /// CPU time of the whole process. While a kernel runs that is its one thread; where an engine starts helpers,
    /// their time is counted too, which a thread's clock would not do.
    pub cpu_ms: f64,
}

impl Add for Spent {
    type Output = Spent;

    fn add(self, other: Spent) -> Spent {
        Spent {
            wall_ms: self.wall_ms + other.wall_ms,
            cpu_ms: self.cpu_ms + other.cpu_ms,
        }
    }
}

/// Runs `work` and says what it took.
pub fn measure<R>(work: impl FnOnce() -> R) -> (R, Spent) {
    let (wall, cpu) = (Instant::now(), cpu_ms());
    let result = work();
    let cpu_ms = cpu_ms() - cpu;
    (
        result,
        Spent {
            wall_ms: wall.elapsed().as_secs_f64() * 1e3,
            cpu_ms,
        },
    )
}

fn cpu_ms() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}
