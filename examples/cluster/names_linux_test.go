package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The first name would arrive as the second one if it traveled as text.
func TestNamesOfFilesNeedNotBeText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"a\xffb": "one", "a\uFFFDb": "other"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	got := start(t, "-local", "1", dir).end()
	assert.Zero(t, got.Status, got.Stderr)
	assert.Contains(t, got.Stdout, "files       2\nbytes       8\nduplicates  0\nunreadable  0\n")
}
