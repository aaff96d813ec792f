package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
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
	options

	files          int
	bytes          int64
	duplicates     int
	duplicateBytes int64
	slowest        file
	unreadable     int
	reasons        []error // the first of them

	// seen has the hash of each content. It is all that grows with the files: by
	// some 100 bytes, spare room included, for each that is no duplicate.
	seen map[[sha256.Size]byte]struct{}
}

// newTally returns a tally whose caller is a child of root.
func newTally(root *actors.Caller, o options) (*tally, error) {
	caller, err := root.Child(props.Name("tally"))
	if err != nil {
		return nil, err
	}
	return &tally{caller: caller, options: o, seen: make(map[[sha256.Size]byte]struct{})}, nil
}

// count has workers hash all files below a directory, and folds in what comes
// of it. It is a function of the tally's caller, and returns the number of files
// that were read.
func (t *tally) count(ctx context.Context) (int, error) {
	// The loop pulls the next jobs as it goes on. It gives the turn away while
	// it waits for one that is done. So few jobs exist at any time, however many
	// files there are: enough to keep the workers busy, and little memory.
	for job, err := range pending.AsCompleted(ctx, t.jobs(ctx), pending.MaxConcurrent(4*t.workers)) {
		if job == nil {
			return t.files, err // ctx has ended
		}
		t.fold(job.Result())
	}
	return t.files, ctx.Err()
}

// jobs yields, for each file below a directory, the pending of its hash. The
// loop pulls it on its own turn, so it may touch the numbers as well.
func (t *tally) jobs(ctx context.Context) iter.Seq[*pending.Pending[file]] {
	return func(yield func(*pending.Pending[file]) bool) {
		for path, err := range files(ctx, t.dir) {
			if err != nil {
				t.fold(file{}, err)
			} else if !yield(t.hash(ctx, path)) {
				return
			}
		}
	}
}

// hash has a worker hash a file.
func (t *tally) hash(ctx context.Context, path string) *pending.Pending[file] {
	return actors.ToThread(ctx, t.caller.Parent(), func(ctx context.Context) (file, error) {
		return hash(ctx, t.open, path)
	})
}

// fold is called on the tally's turn.
func (t *tally) fold(f file, err error) {
	if errors.Is(err, pending.ErrCancelled) {
		return // interrupted, which says nothing about the file
	}
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
