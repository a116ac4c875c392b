//! A server of one's own, and the command line against it.

use std::borrow::BorrowMut;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// How every server here is started.
const SERVE: [&str; 7] =
    ["serve", "--data", "data", "--listen", "127.0.0.1:0", "--origin", "log.example"];

/// A folder that is gone with its test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "counterfoil-test-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Runs the command line with this folder's saved contexts.
    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().expect("the command runs");
        Ran::from(output)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        command
            .args(args)
            .env("COUNTERFOIL_CONTEXTS", self.path("contexts.toml"))
            .env_remove("COUNTERFOIL_TOKEN")
            .env_remove("COUNTERFOIL_URL")
            .current_dir(&self.0);
        command
    }

    /// Starts a server on `data`.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// Starts a server on `data` where one was before.
    pub fn serve_at(&self, url: &str) -> Server {
        let address = url.strip_prefix("http://").expect("an http address");
        Server::start(self.command(&SERVE.map(|word| match word {
            "127.0.0.1:0" => address,
            word => word,
        })))
    }

    /// Starts a server on `data` with further arguments.
    pub fn serve_with(&self, more: &[&str]) -> Server {
        Server::start(self.command(&[&SERVE, more].concat()))
    }

    /// Starts a server with these arguments and no others.
    pub fn serve_as(&self, args: &[&str]) -> Server {
        Server::start(self.command(args))
    }

    /// Starts a server by a command of one's own.
    pub fn serve_by(&self, command: Command) -> Server {
        Server::start(command)
    }

    /// Starts a server on `data` with further variables in its environment.
    pub fn serve_told(&self, variables: &[(&str, &str)]) -> Server {
        Server::start(self.command(&SERVE).envs(variables.iter().copied()))
    }

    /// Starts a server on `data` that may have so many files open.
    pub fn serve_with_files(&self, count: u32) -> Server {
        let server = self.command(&SERVE);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {count} && exec \"$0\" \"$@\"")]);
        shell.arg(server.get_program()).args(server.get_args());
        for (name, value) in server.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Server::start(shell.current_dir(&self.0).stderr(Stdio::null()))
    }

    /// The admin token that the first start made for a tenant.
    pub fn first_token(&self, tenant: &str) -> String {
        let path = self.path(&format!("data-keys/first-token-{tenant}"));
        fs::read_to_string(path).expect("a token").trim().to_owned()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running server.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    /// Starts a server and reads where it listens.
    fn start(mut command: impl BorrowMut<Command>) -> Server {
        let command = command.borrow_mut();
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let out = child.stdout.take().expect("piped");
        let mut lines = BufReader::new(out).lines();
        let first = lines.next().expect("a first line").expect("text");
        let url = first.rsplit(' ').next().expect("an address").to_owned();
        // The rest is read so that the server never stands at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, url }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// kill -9: shows restart, not durability; the simulated disk shows that.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Waits until it has ended by itself.
    pub fn ended(mut self) -> ExitStatus {
        self.child.wait().expect("ended")
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(asked.success());
        let status = self.child.wait().expect("ended");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `kill` and `stop` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command said.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Ran {
    /// Asserts the exit code and returns what was said.
    #[track_caller]
    pub fn code(self, want: i32) -> String {
        assert_eq!(self.code, want, "{self:#?}");
        self.out
    }
}

/// Changes one bit of a file.
pub fn flip(path: &Path, offset: u64) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("opens");
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).expect("read");
    file.write_all_at(&[byte[0] ^ 1], offset).expect("written");
}
