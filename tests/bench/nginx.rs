//! The rival: Debian's nginx with nginx-rtmp, one worker, files in memory, as a person who wants it fast sets it up.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::harness::process::Process;

const RTMP_PORT: u16 = 33_101;
const HTTP_PORT: u16 = 33_102;
const HTTPS_PORT: u16 = 33_103;
/// Where Debian puts modules.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// A running nginx.
pub(crate) struct Nginx {
    process: Process,
    folder: TempDir,
}

impl Nginx {
    /// Starts it, or says why there is no rival.
    pub(crate) fn start(certificate: Option<&Certificate>) -> Result<Self, String> {
        if !Path::new(MODULE).exists() {
            return Err("nginx-light and libnginx-mod-rtmp are not installed".into());
        }
        // Memory, so that no disk is measured.
        let folder = tempfile::tempdir_in("/dev/shm").map_err(|error| error.to_string())?;
        let conf = folder.path().join("nginx.conf");
        for name in ["hls", "files", "body", "logs"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        // Its worker runs as another user, and what it serves lies here.
        Command::new("chmod").args(["-R", "a+rwx"]).arg(folder.path()).status().unwrap();
        std::fs::write(&conf, configuration(folder.path(), certificate)).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&conf).args(["-g", "daemon off;"]);
        let process = Process::start("nginx", &mut command);
        let mut nginx = Self { process, folder };
        nginx.wait_until_it_listens();
        Ok(nginx)
    }

    fn wait_until_it_listens(&mut self) {
        let start = Instant::now();
        while TcpStream::connect(self.http()).is_err() || TcpStream::connect(self.rtmp()).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "nginx: {}", self.process.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        // A worker that somebody left behind would listen too.
        assert_eq!(self.process.ended(), None, "nginx: {}", self.process.log());
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn rtmp(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], RTMP_PORT))
    }

    pub(crate) fn http(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], HTTP_PORT))
    }

    pub(crate) fn https(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], HTTPS_PORT))
    }

    /// Where files lie that it serves at `/`.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }
}

/// Killed, the master would leave its worker behind, so it is asked.
impl Drop for Nginx {
    fn drop(&mut self) {
        self.process.signal("TERM");
        let start = Instant::now();
        while self.process.ended().is_none() && start.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn configuration(folder: &Path, certificate: Option<&Certificate>) -> String {
    let folder = folder.display();
    let tls = certificate.map_or_else(String::new, |one| {
        let (cert, key) = (one.cert.display(), one.key.display());
        format!(
            "server {{ listen 127.0.0.1:{HTTPS_PORT} ssl; ssl_certificate {cert}; ssl_certificate_key {key}; \
             ssl_protocols TLSv1.3; root {folder}/files; }}"
        )
    });
    format!(
        "load_module {MODULE};\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n\
         worker_rlimit_nofile 8192;\nevents {{ worker_connections 4096; }}\n\
         rtmp {{ server {{ listen 127.0.0.1:{RTMP_PORT}; chunk_size 4096; application live {{ live on; hls on; \
         hls_path {folder}/hls; hls_fragment 2s; hls_playlist_length 30s; }} }} }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 600s;\n\
         open_file_cache max=1000; client_body_temp_path {folder}/body; default_type application/octet-stream;\n\
         server {{ listen 127.0.0.1:{HTTP_PORT}; root {folder}/files; }}\n{tls}\n}}\n"
    )
}

/// A certificate for this machine that nobody else trusts.
pub(crate) struct Certificate {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    _folder: TempDir,
}

impl Certificate {
    /// Made by openssl; none when it is not installed.
    pub(crate) fn make() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let done = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
            ])
            .args([
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&cert)
            .output()
            .ok()?;
        done.status.success().then_some(Self { cert, key, _folder: folder })
    }
}
