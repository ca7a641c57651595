//! ffmpeg as a publisher, the encoder that everybody has: a clip in a loop, copied, at the speed of life.

use std::process::Command;

use super::Node;
use super::clip::Clip;
use super::process::Process;

/// ffmpeg that publishes; dropped, it is killed as a crashing encoder is.
pub(crate) struct Ffmpeg {
    process: Process,
}

impl Ffmpeg {
    /// Publishes a clip over and over.
    pub(crate) fn publish(node: &Node, key: &str, clip: &Clip) -> Self {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-hide_banner", "-v", "warning", "-re", "-stream_loop", "-1"]);
        command.arg("-i").arg(clip.path()).args(["-c", "copy", "-f", "flv", &node.rtmp_url(key)]);
        Self { process: Process::start(format!("ffmpeg {}", clip.name), &mut command) }
    }

    /// `kill -9`: the connection is reset without a word.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends it as a person does: it says goodbye.
    pub(crate) async fn stop(&mut self) {
        self.process.signal("INT");
        self.process.wait(std::time::Duration::from_secs(10)).await;
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
