package instrument

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	_ "github.com/seed-7fcaac1b/protocaller/internal/explore" // its flags
)

// Files returns the text of the Go files of a directory but for tests.
func Files(t *testing.T, dir string) map[string]string {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	of := make(map[string]string)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name) //nolint:gosec // A file of the package.
		require.NoError(t, err)
		of[filepath.Base(name)] = string(text)
	}
	return of
}

// InPlace returns the text of the Go files of some directories but for tests, by their paths:
// [Build] puts them where they are.
func InPlace(t *testing.T, dirs ...string) map[string]string {
	of := make(map[string]string)
	for _, dir := range dirs {
		for name, text := range Files(t, dir) {
			of[filepath.Join(dir, name)] = text
		}
	}
	return of
}

// Build builds the tests of the package in the current directory, with build tag explored. The
// files replace those on the disk. Their names are relative to that directory. It returns the
// program.
func Build(t *testing.T, files map[string]string) (program string) {
	here, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	replace := make(map[string]string)
	for name, text := range files {
		path := filepath.Join(dir, strings.ReplaceAll(name, string(filepath.Separator), "+"))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		replace[filepath.Join(here, name)] = path
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	overlay := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(overlay, text, 0o600))
	program = filepath.Join(dir, "explored.test")
	Run(t, "go", "test", "-c", "-tags", "explored", "-overlay", overlay, "-o", program, ".")
	return program
}

// Run runs a program and returns what it prints.
func Run(t *testing.T, name string, args ...string) string {
	var stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), name, args...)
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(t, err, stderr.String())
	return string(out)
}

// Explore builds the tests of the package in the current directory with files that use package
// sim. It runs those that match pattern, with the -explore flags of this program.
func Explore(t *testing.T, files map[string]string, pattern string) {
	of := make(map[string]string)
	for name, text := range files {
		of[name] = Source(text)
	}
	args := []string{"-test.v", "-test.timeout=0", "-test.run=" + pattern}
	for _, arg := range os.Args[1:] {
		if strings.Contains(arg, "-explore.") {
			args = append(args, arg)
		}
	}
	var out bytes.Buffer
	command := exec.CommandContext(t.Context(), Build(t, of), args...) //nolint:gosec // Our own.
	command.Stdout, command.Stderr = &out, &out
	if testing.Verbose() {
		command.Stdout = io.MultiWriter(&out, os.Stdout) // it may take long
	}
	require.NoError(t, command.Run(), &out)
}
