//! What a program asks of the kernel, told by `strace`: every call that changes a file, makes something durable or answers
//! somebody, in the order in which the kernel began and ended it.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// Calls that are told; a `?` stands before those that not every processor has.
const CALLS: &str = "openat,?open,?creat,close,lseek,fcntl,?dup,?dup2,dup3,write,writev,pwrite64,pwritev,pwritev2,\
copy_file_range,sendfile,sendto,sendmsg,fsync,fdatasync,msync,ftruncate,truncate,fallocate,mmap,io_uring_setup,\
?rename,renameat,?renameat2,?link,linkat,?unlink,unlinkat,?rmdir,?mkdir,mkdirat,?symlink,symlinkat";

/// No write is longer.
const BYTES_MAX: usize = 8 << 20;

/// A call to the kernel.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// As they are written, without the strings; a path in angle brackets follows each descriptor.
    pub(crate) args: Vec<String>,
    pub(crate) strings: Vec<Vec<u8>>,
    /// The line of the trace where the kernel began it.
    pub(crate) begin: usize,
    /// The line where it had ended; none when it never did.
    pub(crate) end: Option<usize>,
    pub(crate) answer: Option<i64>,
}

/// `program` under strace, which writes to `file`. The program stays a child of whoever starts it, and strace ends with it.
pub(crate) fn command(file: &Path, program: &str) -> Command {
    let mut command = Command::new("strace");
    // A filter in the kernel: other calls cost nothing.
    command.args(["-D", "-f", "-q", "-y", "--seccomp-bpf", "-s", &BYTES_MAX.to_string()]);
    command.arg("-e").arg(format!("trace={CALLS}")).arg("-o").arg(file).arg(program);
    command
}

/// Insists that programs can be traced here.
pub(crate) fn must_work() {
    let tried = Command::new("strace")
        .args(["-f", "-q", "--seccomp-bpf", "-e", "trace=none", "true"])
        .output();
    let tried =
        tried.unwrap_or_else(|error| panic!("strace cannot be started ({error}): install it"));
    let said = String::from_utf8_lossy(&tried.stderr);
    assert!(
        tried.status.success(),
        "strace cannot trace here: {said}; a container needs the capability SYS_PTRACE for it"
    );
}

/// Whether the trace of a program that is gone is whole.
pub(crate) fn is_whole(text: &str, pid: u32) -> bool {
    let pid = pid.to_string();
    let ended = |line: &str| {
        let rest = line.strip_prefix(&pid)?.trim_start().strip_prefix("+++ ")?;
        (rest.starts_with("killed") || rest.starts_with("exited")).then_some(())
    };
    text.ends_with('\n') && text.lines().rev().take(200).any(|line| ended(line).is_some())
}

/// All calls, by where they begin. The first line has the number `first`.
pub(crate) fn calls(text: &str, first: usize) -> Vec<Call> {
    let (mut all, mut open) = (Vec::<Call>::new(), HashMap::<&str, usize>::new());
    for (at, line) in (first..).zip(text.lines()) {
        let (pid, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let nth = open.remove(pid).unwrap_or_else(|| panic!("line {at} goes on with nothing"));
            let (_, rest) = resumed.split_once(" resumed>").expect("the rest of a call");
            all[nth].go_on(rest, at);
            continue;
        }
        let (name, args) = rest.split_once('(').unwrap_or_else(|| panic!("line {at}: {rest:.80}"));
        let mut call = Call { name: name.into(), begin: at, ..Call::default() };
        match args.strip_suffix("<unfinished ...>") {
            Some(args) => {
                call.take(args);
                open.insert(pid, all.len());
            }
            None => call.go_on(args, at),
        }
        all.push(call);
    }
    all
}

impl Call {
    /// The last part of a line, with what came of it.
    fn go_on(&mut self, rest: &str, at: usize) {
        let (plain, _) = without_strings(rest);
        let answered = plain.rmatch_indices(')').find_map(|(close, _)| {
            Some((close, plain[close + 1..].trim_start().strip_prefix("= ")?))
        });
        let (close, answer) = answered.unwrap_or_else(|| panic!("line {at}: {plain:.200}"));
        let digits: String =
            answer.chars().take_while(|one| one.is_ascii_digit() || *one == '-').collect();
        self.answer = digits.parse().ok();
        // A call that the program's end cut off.
        self.end = self.answer.map(|_| at);
        // Strings hold what closes too, so the end of the arguments is looked for from the end of the line.
        let behind = plain.len() - close;
        self.take(&rest[..rest.len() - behind]);
    }

    fn take(&mut self, args: &str) {
        let (plain, strings) = without_strings(args);
        let parts = plain.split(", ").map(|part| part.trim().to_owned());
        self.args.extend(parts.filter(|part| !part.is_empty()));
        self.strings.extend(strings);
    }

    /// The descriptor that is its first argument, and the path of that.
    pub(crate) fn descriptor(&self) -> (i64, &str) {
        self.descriptor_at(0)
    }

    pub(crate) fn descriptor_at(&self, nth: usize) -> (i64, &str) {
        let text = self.args.get(nth).map_or("", String::as_str);
        let (number, path) = text.split_once('<').unwrap_or((text, ""));
        (number.parse().unwrap_or(-1), path.strip_suffix('>').unwrap_or(path))
    }

    pub(crate) fn number(&self, nth: usize) -> u64 {
        let text = self.args.get(nth).map_or("", String::as_str);
        text.parse().unwrap_or_else(|_| panic!("{nth} of {}{:?}", self.name, self.args))
    }

    /// All bytes of its strings.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.strings.concat()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.answer.is_some_and(|answer| answer >= 0)
    }
}

/// The text with `""` for each string, and the strings.
fn without_strings(text: &str) -> (String, Vec<Vec<u8>>) {
    let (mut plain, mut strings) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('"') {
        plain += before;
        plain += "\"\"";
        let (string, len) = string(after.as_bytes());
        strings.push(string);
        rest = &after[len..];
        assert!(!rest.starts_with("..."), "a write of more than {BYTES_MAX} bytes: {plain:.80}");
    }
    (plain + rest, strings)
}

/// The string that `text` begins with, behind its first quote, and how much of the text it is.
fn string(text: &[u8]) -> (Vec<u8>, usize) {
    let (mut bytes, mut at) = (Vec::new(), 0);
    loop {
        match text[at] {
            b'"' => return (bytes, at + 1),
            b'\\' => {
                let (byte, len) = escaped(&text[at + 1..]);
                bytes.push(byte);
                at += 1 + len;
            }
            byte => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
}

fn escaped(text: &[u8]) -> (u8, usize) {
    let digits = text.iter().take(3).take_while(|one| (b'0'..=b'7').contains(*one)).count();
    if digits > 0 {
        let value = text[..digits].iter().fold(0_u16, |sum, one| sum * 8 + u16::from(one - b'0'));
        return (u8::try_from(value).expect("an octal byte"), digits);
    }
    let byte = match text[0] {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'v' => 11,
        b'f' => 12,
        other => other,
    };
    (byte, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_with_their_bytes_their_answer_and_where_they_begin_and_end() {
        let text = concat!(
            "7 openat(AT_FDCWD</tmp>, \"/d/a\\\"b\", O_RDWR|O_CREAT, 0600) = 5</d/a>\n",
            "7 pwrite64(5</d/x (deleted)>, \"W) = 3\\n\\0\\0017\\377\", 11, 96 <unfinished ...>\n",
            "8 fsync(6</d>)   = -1 EIO (Input/output error)\n",
            "7 <... pwrite64 resumed>)   = 11\n",
            "8 writev(9<socket:[1]>, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\", iov_len=1}], 2) = 3\n",
            "8 fdatasync(5</d/x> <unfinished ...>\n",
            "7 +++ killed by SIGKILL +++\n",
        );
        let calls = calls(text, 100);
        let told: Vec<_> = calls.iter().map(|one| (&*one.name, one.begin, one.end)).collect();
        let expected = [
            ("openat", 100, Some(100)),
            ("pwrite64", 101, Some(103)),
            ("fsync", 102, Some(102)),
            ("writev", 104, Some(104)),
            ("fdatasync", 105, None),
        ];
        assert_eq!(told, expected);
        assert_eq!((calls[0].bytes(), calls[0].answer), (b"/d/a\"b".to_vec(), Some(5)));
        assert_eq!((calls[1].bytes(), calls[1].number(3)), (b"W) = 3\n\0\x017\xff".to_vec(), 96));
        assert_eq!(calls[1].descriptor(), (5, "/d/x (deleted)"));
        assert!(!calls[2].is_done() && !calls[4].is_done());
        assert_eq!((calls[3].bytes(), calls[3].descriptor()), (b"abc".to_vec(), (9, "socket:[1]")));
        assert!(is_whole(text, 7) && !is_whole(text, 8));
    }
}
