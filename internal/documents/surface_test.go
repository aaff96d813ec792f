package documents

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files of what go doc prints")

const module = "github.com/seed-7fcaac1b/protocaller/"

// publicPackages returns the packages that programs can import, by their folders.
func publicPackages(t *testing.T) (folders []string) {
	out, err := command(t, "go", "list", "-f", "{{.Name}} {{.ImportPath}}", module+"...")
	require.NoError(t, err, out)
	for line := range strings.Lines(out) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		folder := strings.TrimPrefix(path, module)
		if name != "main" && !strings.Contains("/"+folder+"/", "/internal/") && !strings.HasPrefix(folder, "examples/") {
			folders = append(folders, folder)
		}
	}
	return folders
}

func command(t *testing.T, name string, args ...string) (string, error) {
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = "../.."
	c.Stderr = os.Stderr
	out, err := c.Output()
	return string(out), err
}

// TestDocumentationIsAsReviewed compares what go doc prints of each public package with a golden
// file. So a review shows each change of what programs see. With -update it writes the files.
func TestDocumentationIsAsReviewed(t *testing.T) {
	known := make(map[string]bool)
	for _, folder := range publicPackages(t) {
		golden := filepath.Join("testdata", "surface", strings.ReplaceAll(folder, "/", "-")+".txt")
		known[golden] = true
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			sources, err := filepath.Glob(filepath.Join("../..", folder, "*.go"))
			require.NoError(t, err)
			for _, source := range sources { // so that the result is not cached when one changes
				_, err := os.Stat(source)
				require.NoError(t, err)
			}
			got, err := command(t, "go", "doc", "-all", "./"+folder)
			require.NoError(t, err)
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o750))
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden) //nolint:gosec // A file of the package.
			require.NoError(t, err, "go test ./internal/documents -update writes it")
			assert.Equal(t, strings.Split(string(want), "\n"), strings.Split(got, "\n"),
				"go test ./internal/documents -update writes it, if that is wanted")
		})
	}
	files, err := filepath.Glob(filepath.Join("testdata", "surface", "*.txt"))
	require.NoError(t, err)
	for _, file := range files {
		assert.True(t, known[file], "%s is of no package", file)
	}
}
