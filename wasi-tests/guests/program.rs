//! program SCRIPT [ARG]: what programs do with Preview 1, in Rust and its standard library; `program.c`, `program.go`
//! and `program.py` are the same.
//!
//! - `files DIR` makes, changes, lists and removes files and directories in DIR.
//! - `clock` tells the time, and sleeps.
//! - `random` makes two hash maps whose order must come from random seeds.
//! - `serve FD COUNT` answers HTTP requests on a granted listener.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasher;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpListener};
use std::os::fd::FromRawFd;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn files(dir: &Path) -> Result {
    let sub = dir.join("sub");
    fs::create_dir_all(sub.join("deep"))?;
    let path = sub.join("text");
    fs::write(&path, "one\ntwo\n")?;
    OpenOptions::new().append(true).open(&path)?.write_all(b"three\n")?;
    let mut file = File::options().read(true).write(true).open(&path)?;
    file.seek(SeekFrom::Start(4))?;
    file.write_all(b"TWO")?;
    file.seek(SeekFrom::End(-6))?;
    let mut rest = String::new();
    file.read_to_string(&mut rest)?;
    println!("end {}", rest.trim_end());
    file.set_len(8)?;
    drop(file);
    println!("text {:?}", fs::read_to_string(&path)?);
    fs::rename(&path, sub.join("moved"))?;
    fs::copy(sub.join("moved"), sub.join("copy"))?;
    let mut names: Vec<_> = fs::read_dir(&sub)?
        .map(|entry| Ok(entry?.file_name().into_string().map_err(|_| "not UTF-8")?))
        .collect::<Result<_>>()?;
    names.sort();
    println!("names {}", names.join(" "));
    println!("size {}", fs::metadata(sub.join("copy"))?.len());
    println!("missing {:?}", File::open(&path).err().map(|err| err.kind()));
    fs::remove_file(sub.join("moved"))?;
    fs::remove_file(sub.join("copy"))?;
    fs::remove_dir(sub.join("deep"))?;
    fs::remove_dir(&sub)?;
    println!("left {}", sub.exists());
    Ok(())
}

fn clock() -> Result {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    println!("after 2024 {}", now.as_secs() > 1_704_067_200);
    let begun = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    let slept = begun.elapsed();
    println!("slept {}", slept >= Duration::from_millis(20) && slept < Duration::from_secs(20));
    Ok(())
}

fn random() {
    let sums: Vec<u64> = (0..2).map(|_| RandomState::new().hash_one("wasm")).collect();
    println!("different {}", sums[0] != sums[1]);
}

fn serve(fd: i32, count: usize) -> Result {
    // SAFETY: the host granted a listener under this number, and nothing else here uses it.
    let listener = unsafe { TcpListener::from_raw_fd(fd) };
    for (served, stream) in listener.incoming().take(count).enumerate() {
        let mut stream = stream?;
        let mut request = [0; 1024];
        let length = stream.read(&mut request)?;
        let line = String::from_utf8_lossy(&request[..length]);
        let body = format!("{} is request {}\n", line.lines().next().unwrap_or(""), served + 1);
        let length = body.len();
        write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")?;
        stream.shutdown(Shutdown::Write)?;
    }
    Ok(())
}

fn main() -> Result {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    match args[..] {
        ["files", dir] => files(Path::new(dir)),
        ["clock"] => clock(),
        ["random"] => Ok(random()),
        ["serve", fd, count] => serve(fd.parse()?, count.parse()?),
        _ => Err("program files DIR | clock | random | serve FD COUNT".into()),
    }
}
