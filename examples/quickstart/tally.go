package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// maxReasons is how many of the errors are printed.
const maxReasons = 10

// tally holds the numbers. They belong to its caller: only functions on that
// caller's turn touch them.
type tally struct {
	caller *actors.Caller
	open   func(path string) (*os.File, error)

	files          int
	bytes          int64
	duplicates     int
	duplicateBytes int64
	slowest        file
	unreadable     int
	reasons        []error // the first of them

	// seen has the hash of each content. It is all that grows with the files:
	// by about 60 bytes for each that is no duplicate.
	seen map[[sha256.Size]byte]struct{}
}

// newTally returns a tally whose caller is a child of root.
func newTally(root *actors.Caller, open func(string) (*os.File, error)) (*tally, error) {
	caller, err := root.Child(props.Name("tally"))
	if err != nil {
		return nil, err
	}
	return &tally{caller: caller, open: open, seen: make(map[[sha256.Size]byte]struct{})}, nil
}

// count has a worker hash the file that a walk has found, and folds the outcome
// in, or else the error that the walk has met.
func (t *tally) count(ctx context.Context, path string, err error) *pending.Pending[file] {
	return actors.CallSoon(ctx, t.caller, func(ctx context.Context) (file, error) {
		var f file
		if err == nil {
			// The wait gives the tally's turn away, to functions like this one.
			// Once it is over the turn is back, and the numbers are ours.
			f, err = t.hash(ctx, path).Wait(ctx)
		}
		if err == nil || ctx.Err() == nil { // else it was not read to its end
			t.fold(f, err)
		}
		return f, err
	})
}

// hash has a worker hash a file.
func (t *tally) hash(ctx context.Context, path string) *pending.Pending[file] {
	return actors.ToThread(ctx, t.caller.Parent(), func(ctx context.Context) (file, error) {
		return hash(ctx, t.open, path)
	})
}

// fold is called on the tally's turn.
func (t *tally) fold(f file, err error) {
	if err != nil {
		t.unreadable++
		if len(t.reasons) < maxReasons {
			t.reasons = append(t.reasons, err)
		}
		return
	}
	t.files++
	t.bytes += f.size
	if f.took >= t.slowest.took {
		t.slowest = f
	}
	if _, ok := t.seen[f.sum]; ok {
		t.duplicates++
		t.duplicateBytes += f.size
	}
	t.seen[f.sum] = struct{}{}
}

// showProgress keeps a line on a terminal up to date, until stop is called.
func (t *tally) showProgress(ctx context.Context, w io.Writer) (stop func()) {
	if !isTerminal(w) {
		return func() {}
	}
	showing := actors.CallSoon(ctx, t.caller, func(ctx context.Context) (struct{}, error) {
		defer fmt.Fprint(w, clearLine)
		for {
			fmt.Fprintf(w, "%s%d files, %d MiB", clearLine, t.files, t.bytes>>20)
			// Sleep gives the turn away, too.
			if err := actors.Sleep(ctx, 100*time.Millisecond); err != nil {
				return struct{}{}, err
			}
		}
	})
	return func() { _ = showing.CancelWait(context.Background(), nil) }
}
