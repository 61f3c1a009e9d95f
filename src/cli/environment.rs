//! What the guest is given: arguments, variables, directories, and our own standard streams. Nothing else.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;

use wasmrun::{Error, Stdin, WasiEnv};

use super::args::ExecArgs;
use super::report;
use super::units::{Directory, Input, Listen, Variable};
use super::world;

/// Makes the guest's world; `words` are argv[0] and what follows, `file` is what messages call the program.
///
/// # Errors
/// A directory or file that cannot be opened or an address that cannot be listened on, named in the message.
pub fn environment(args: &ExecArgs, file: &str, words: Vec<OsString>) -> Result<WasiEnv, String> {
    let ours: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let mut env = WasiEnv::builder()
        .args(words)
        .envs(variables(args, &ours))
        .inherit_stdout()
        .inherit_stderr()
        .stdin(stdin(args)?);
    if let Some(bytes) = args.max_output {
        env = env.max_output(bytes);
    }
    if args.raw_terminal {
        env = env.raw_terminal();
    }
    if let Some(filter) = args.trace {
        env = env.trace(filter, report::print);
    }
    env = world::furnish(&args.world, file, env);
    for Directory { host, guest, read_only } in &args.dir {
        let granted = if *read_only {
            env.dir_read_only(host, guest)
        } else {
            env.dir(host, guest)
        };
        env = granted.map_err(|error| message(&error))?;
    }
    for listen in &args.listen {
        env = env.listener(bind(listen)?).map_err(|error| message(&error))?;
    }
    Ok(env.build())
}

/// What the guest reads.
fn stdin(args: &ExecArgs) -> Result<Stdin, String> {
    match &args.stdin {
        None | Some(Input::Inherit) => Ok(Stdin::inherit()),
        Some(Input::Null) => Ok(Stdin::empty()),
        Some(Input::File(path)) => match File::open(path) {
            Ok(file) => Ok(Stdin::file(file)),
            Err(error) => Err(format!("cannot open `{}` for --stdin: {error}", path.display())),
        },
    }
}

fn message(error: &Error) -> String {
    match error {
        // The engine calls all that is not WebAssembly a host function's failure; here none was called.
        Error::Host(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// Listens on an address, and tells a port that the system chose.
fn bind(listen: &Listen) -> Result<TcpListener, String> {
    let address = &listen.address;
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(listen.nonblock)?;
        let local = listener.local_addr()?;
        Ok((listener, local))
    });
    match bound {
        Ok((listener, local)) => {
            if address.ends_with(":0") {
                super::report::note(&format!("listening on {local}"));
            }
            Ok(listener)
        }
        Err(error) => {
            let why = match error.kind() {
                ErrorKind::AddrInUse => "the address is in use; end what listens there, or choose another port".into(),
                ErrorKind::PermissionDenied => format!("{error}; ports below 1024 may need privileges"),
                _ => error.to_string(),
            };
            Err(format!("cannot listen on `{}`: {why}", address.escape_debug()))
        }
    }
}

/// argv[0]: the base name, because where the module lies is none of the guest's business.
pub fn argv0(args: &ExecArgs, file: &OsStr) -> OsString {
    match &args.argv0 {
        Some(name) => name.clone(),
        None => Path::new(file).file_name().unwrap_or(file).to_owned(),
    }
}

/// The variables for the guest, each once, in the order in which they were first named.
fn variables(args: &ExecArgs, ours: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(OsString, OsString)> = Vec::new();
    let mut set = |key: &OsString, value: &OsString| match variables.iter_mut().find(|(known, _)| known == key) {
        Some((_, old)) => old.clone_from(value),
        None => variables.push((key.clone(), value.clone())),
    };
    if args.inherit_env {
        ours.iter().for_each(|(key, value)| set(key, value));
    }
    // After ours: what we were handed by a service manager is not what the guest gets.
    if !args.listen.is_empty() {
        set(&"LISTEN_FDS".into(), &args.listen.len().to_string().into());
    }
    for variable in &args.env {
        match variable {
            Variable::Set(key, value) => set(key, value),
            Variable::PassOn(key) => {
                if let Some((_, value)) = ours.iter().find(|(ours, _)| ours == key) {
                    set(key, value);
                }
            }
        }
    }
    variables
}
