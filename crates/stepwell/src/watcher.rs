//! Whether something in a folder changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::failure::Failure;

/// An editor writes a file in several steps; they count as one change.
const QUIET: Duration = Duration::from_millis(100);

/// Watches folders as long as it lives.
pub(crate) struct FolderWatcher {
    watcher: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
    changes: mpsc::Receiver<()>,
}

impl FolderWatcher {
    /// Watches nothing yet.
    pub(crate) fn new() -> Result<FolderWatcher, Failure> {
        // One place is enough: a change that nobody has looked at covers later ones.
        let (sender, changes) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if !event.is_ok_and(|event| event.kind.is_access()) {
                // Full means that a change is waiting already.
                let _ = sender.try_send(());
            }
        });
        let watcher = watcher.map_err(|error| failed(&error))?;
        Ok(FolderWatcher { watcher, folders: BTreeSet::new(), changes })
    }

    /// Watches the files of folders, not those of the folders in them. The empty path is the
    /// folder the program runs in.
    pub(crate) fn watch<'p>(
        &mut self,
        folders: impl IntoIterator<Item = &'p Path>,
    ) -> Result<(), Failure> {
        for folder in folders {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            if self.folders.insert(folder.to_owned()) {
                let watched = self.watcher.watch(folder, RecursiveMode::NonRecursive);
                watched.map_err(|error| failed(&error))?;
            }
        }
        Ok(())
    }

    /// Waits until something changed and the folder is quiet again.
    pub(crate) async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while let Ok(Some(())) = tokio::time::timeout(QUIET, self.changes.recv()).await {}
    }
}

fn failed(error: &notify::Error) -> Failure {
    Failure::unsuccessful(format!("cannot watch for changes: {error}"))
}
