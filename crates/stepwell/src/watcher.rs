//! Whether something in a folder changed.

use std::path::Path;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::failure::Failure;

/// An editor writes a file in several steps; they count as one change.
const QUIET: Duration = Duration::from_millis(100);

/// Watches folders as long as it lives.
pub(crate) struct FolderWatcher {
    _watcher: RecommendedWatcher,
    changes: mpsc::Receiver<()>,
}

impl FolderWatcher {
    /// Watches the files of folders, not those of the folders in them.
    pub(crate) fn new<'p>(
        folders: impl IntoIterator<Item = &'p Path>,
    ) -> Result<FolderWatcher, Failure> {
        // One place is enough: a change that nobody has looked at covers later ones.
        let (sender, changes) = mpsc::channel(1);
        let failed = |error: notify::Error| {
            Failure::unsuccessful(format!("cannot watch for changes: {error}"))
        };
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                if !event.is_ok_and(|event| event.kind.is_access()) {
                    // Full means that a change is waiting already.
                    let _ = sender.try_send(());
                }
            })
            .map_err(failed)?;
        for folder in folders {
            watcher.watch(folder, RecursiveMode::NonRecursive).map_err(failed)?;
        }
        Ok(FolderWatcher { _watcher: watcher, changes })
    }

    /// Waits until something changed and the folder is quiet again.
    pub(crate) async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while let Ok(Some(())) = tokio::time::timeout(QUIET, self.changes.recv()).await {}
    }
}
