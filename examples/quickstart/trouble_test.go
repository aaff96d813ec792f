package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

func TestFileThatCannotBeReadIsReported(t *testing.T) {
	before := func(happens func(path string) error) func(string) (*os.File, error) {
		return func(path string) (*os.File, error) {
			if err := happens(path); err != nil {
				return nil, err
			}
			return os.Open(path)
		}
	}
	during := func(happens func(path string) error) func(string) (*os.File, error) {
		return func(path string) (*os.File, error) {
			f, err := os.Open(path)
			return f, errors.Join(err, happens(path))
		}
	}
	write := func(content string) func(path string) error {
		return func(path string) error { return os.WriteFile(path, []byte(content), 0o600) }
	}
	touch := func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(0, 0)) }
	replace := func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }
	forbid := func(path string) error { return &os.PathError{Op: "open", Path: path, Err: os.ErrPermission} }
	crash := func(path string) error { panic("no way to open " + path) }

	for name, tt := range map[string]struct {
		open func(path string) (*os.File, error)
		want string
	}{
		"forbidden":                    {before(forbid), "open %s: permission denied"},
		"removed before it is opened":  {before(os.Remove), "open %s: no such file or directory"},
		"a directory before it opened": {before(replace), "read %s: is a directory"},
		"removed while it is read":     {during(os.Remove), "lstat %s: no such file or directory"},
		"replaced while it is read":    {during(replace), "read %s: changed meanwhile"},
		"longer while it is read":      {during(write("more content")), "read %s: changed meanwhile"},
		"shorter while it is read":     {during(write("")), "read %s: changed meanwhile"},
		"touched while it is read":     {during(touch), "read %s: changed meanwhile"},
		"cause of a panic":             {before(crash), "pending: panic: no way to open %s"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := makeTree(t, map[string]string{"victim": "content", "other": "12345"})
			victim := filepath.Join(dir, "victim")
			got := runOpening(t.Context(), t, dir, 1, func(path string) (*os.File, error) {
				if path == victim {
					return tt.open(path)
				}
				return os.Open(path)
			})
			assert.Equal(t, cli.StatusFailed, got.Status)
			assert.True(t, strings.HasSuffix(got.Stderr, "quickstart: something could not be read\n"), got.Stderr)
			assert.Contains(t, got.Stdout, text("files       1", "bytes       5"))
			assert.Contains(t, got.Stdout, text("unreadable  1", "            "+fmt.Sprintf(tt.want, victim), ""))
		})
	}
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := makeTree(t, map[string]string{"directory/file": ""})
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink("directory/file", link))
	for _, path := range []string{link, filepath.Join(dir, "directory")} {
		_, err := hash(t.Context(), func(string) (*os.File, error) { panic("opened") }, path)
		require.EqualError(t, err, "open "+path+": changed meanwhile")
	}
}

func TestOnlyTheFirstReasonsArePrinted(t *testing.T) {
	contents := make(map[string]string)
	for i := range maxReasons + 5 {
		contents[fmt.Sprint(i)] = ""
	}
	got := runOpening(t.Context(), t, makeTree(t, contents), 1, func(string) (*os.File, error) {
		return nil, errors.New("broken disk")
	})
	assert.Equal(t, cli.StatusFailed, got.Status)
	assert.Contains(t, got.Stdout, "files       0\n")
	assert.Contains(t, got.Stdout,
		"unreadable  15\n"+strings.Repeat("            broken disk\n", maxReasons)+"            and 5 more\n\n")
}

// Root may read everything, but no path can be longer than the system allows.
func TestDirectoryThatCannotBeReadIsReported(t *testing.T) {
	dir := makeTree(t, map[string]string{"file": "content"})
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	require.NoError(t, root.MkdirAll(strings.Repeat(strings.Repeat("d", 200)+"/", 30), 0o700))

	got := runArgs(t, dir)
	assert.Equal(t, cli.StatusFailed, got.Status)
	assert.Contains(t, got.Stdout, text("files       1", "bytes       7"))
	assert.Regexp(t, `(?m)^unreadable  1\n +open .*/dddd*: file name too long\n\n`, got.Stdout)
}

func TestDirectoryThatVanishesIsReported(t *testing.T) {
	dir := makeTree(t, map[string]string{"a/file": "", "b/file": ""})
	var paths []string
	var errs []error
	for path, err := range files(t.Context(), dir) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		paths = append(paths, path)
		for _, other := range []string{"a", "b"} {
			if other = filepath.Join(dir, other); other != filepath.Dir(path) {
				require.NoError(t, os.RemoveAll(other))
			}
		}
	}
	assert.Len(t, paths, 1)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], os.ErrNotExist)
}

func TestInterruptPrintsWhatWasDone(t *testing.T) {
	contents := make(map[string]string)
	for i := range 100 {
		contents[fmt.Sprintf("%d/%d", i%10, i)] = "x"
	}
	for _, done := range []int{0, 1, 42, 99} {
		t.Run(fmt.Sprint(done), func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			opened := 0
			got := runOpening(ctx, t, makeTree(t, contents), 1, func(path string) (*os.File, error) {
				if opened++; opened > done {
					interrupt()
				}
				return os.Open(path)
			})
			assert.Equal(t, cli.StatusInterrupted, got.Status)
			assert.Equal(t, "quickstart: interrupted before all files were read\n", got.Stderr)
			assert.Contains(t, got.Stdout, text(fmt.Sprint("files       ", done), fmt.Sprint("bytes       ", done)))
			assert.Contains(t, got.Stdout, text("unreadable  0", "", "quickstart, running"))
			assert.Equal(t, done+1, opened)
		})
	}
}

func TestInterruptBeforeTheFirstFile(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	got := runOpening(ctx, t, makeTree(t, map[string]string{"file": ""}), 1, os.Open)
	assert.Equal(t, cli.StatusInterrupted, got.Status)
	assert.Contains(t, got.Stdout, "files       0\n")
}

func TestAsManyWorkersAsAskedForReadAtTheSameTime(t *testing.T) {
	const workers = 3
	contents := make(map[string]string)
	for i := range 10 * workers {
		contents[fmt.Sprint(i)] = ""
	}
	var opened, opening atomic.Int32
	all := make(chan struct{})
	got := runOpening(t.Context(), t, makeTree(t, contents), workers, func(path string) (*os.File, error) {
		assert.LessOrEqual(t, opening.Add(1), int32(workers))
		defer opening.Add(-1)
		if opened.Add(1) == workers {
			close(all)
		}
		<-all // the first of them wait for each other
		return os.Open(path)
	})
	assert.Equal(t, cli.StatusOK, got.Status)
	assert.Contains(t, got.Stdout, "files       30\n")
}

// Only the hashes of the contents that were seen may grow.
func TestMemoryIsFlat(t *testing.T) {
	const many, anyway, each = 20_000, 1 << 20, 100
	dir := t.TempDir()
	for i := range many {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), fmt.Append(nil, i), 0o600))
	}
	opened, first := 0, 0
	got := runOpening(t.Context(), t, dir, 1, func(path string) (*os.File, error) {
		if opened++; opened == 1 {
			first = liveHeap()
		}
		if opened%(many/10) == 0 {
			assert.Less(t, liveHeap()-first, anyway+each*opened, "bytes, after %d files", opened)
		}
		return os.Open(path)
	})
	assert.Contains(t, got.Stdout, "files       20000\n")
}

func liveHeap() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
