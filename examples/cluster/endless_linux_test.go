package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// makeEndless makes a file that takes hours to be read, and no room.
func makeEndless(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "endless")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, 1<<42))
	return path
}

// waitUntilOpen returns when a process has opened a file.
func waitUntilOpen(t *testing.T, pid int, path string) {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	for t.Context().Err() == nil {
		links, err := os.ReadDir(folder)
		require.NoError(t, err)
		for _, link := range links {
			if to, _ := os.Readlink(filepath.Join(folder, link.Name())); to == path {
				return
			}
		}
		runtime.Gosched()
	}
}
