package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"
)

// batch is how many entries of a directory are read at once.
const batch = 256

// files yields the path of every regular file below dir, in no order, until ctx
// ends. It also yields the error of every directory that cannot be read. No
// directory is read as a whole, so a huge one takes no more memory than a small
// one. No symbolic link is followed, so there are no loops.
func files(ctx context.Context, dir string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yieldFiles(ctx, dir, yield) }
}

func yieldFiles(ctx context.Context, dir string, yield func(string, error) bool) bool {
	d, err := os.Open(dir)
	if err != nil {
		return yield("", err)
	}
	defer d.Close()
	for ctx.Err() == nil {
		entries, err := d.ReadDir(batch)
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			switch {
			case entry.Type().IsRegular() && !yield(path, nil),
				entry.IsDir() && !yieldFiles(ctx, path, yield):
				return false
			}
		}
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return yield("", err)
		}
	}
	return false
}

// checkDir returns an error if dir is not a directory that can be read.
func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() { // opening a pipe would not even return
		return fmt.Errorf("%s is not a directory", dir)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := d.ReadDir(1); !errors.Is(err, io.EOF) {
		return err
	}
	return nil // it is empty
}

// file is one that was read.
type file struct {
	path string
	size int64
	sum  [sha256.Size]byte
	took time.Duration
}

var errChanged = errors.New("changed meanwhile")

// hash reads a file that a walk has found, unless ctx ends before.
func hash(ctx context.Context, open func(string) (*os.File, error), path string) (file, error) {
	begin := time.Now()
	before, err := os.Lstat(path)
	if err != nil {
		return file{}, err
	}
	if !before.Mode().IsRegular() {
		return file{}, &fs.PathError{Op: "open", Path: path, Err: errChanged}
	}
	f, err := open(path)
	if err != nil {
		return file{}, err
	}
	defer f.Close()
	h := sha256.New()
	// One byte more than there should be: a file that grows may have no end.
	size, err := io.Copy(h, io.LimitReader(reader{ctx, f}, before.Size()+1))
	if err != nil {
		return file{}, err
	}
	after, err := os.Lstat(path)
	if err != nil {
		return file{}, err
	}
	if size > before.Size() || changed(before, after) {
		return file{}, &fs.PathError{Op: "read", Path: path, Err: errChanged}
	}
	return file{path, size, [sha256.Size]byte(h.Sum(nil)), time.Since(begin)}, nil
}

func changed(before, after fs.FileInfo) bool {
	return !os.SameFile(before, after) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime())
}

// reader is one that ends with its context.
type reader struct {
	ctx  context.Context
	from io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
