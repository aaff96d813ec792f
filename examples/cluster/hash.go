package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const (
	// callsAtOnce is how many files are under way: enough for the members to be busy.
	callsAtOnce = 64
	// fileTimeout is how long a file may take, all attempts together.
	fileTimeout = 2 * time.Minute
	// mostReasons is how many of the errors are printed.
	mostReasons = 10
)

// hashAll starts what the options say, has the members hash the files, and prints
// what has come of it.
func hashAll(ctx context.Context, o options, stdout, stderr io.Writer) error {
	etcd, stopEtcd, err := startEtcd(ctx, o.etcd)
	if err != nil {
		return unlessInterrupted(ctx, err)
	}
	defer stopEtcd()
	stopMembers, err := startMembers(ctx, o, etcd, stderr)
	if err != nil {
		return unlessInterrupted(ctx, err)
	}
	defer stopMembers()
	if o.local == 0 {
		fmt.Fprintf(stderr, "waiting for members: go run . -join %s\n", cli.Printable(etcd))
	}
	tracing, err := startTracing(ctx, o.trace)
	if err != nil {
		return err
	}
	system := newSystem()
	c, leave, err := join(ctx, system, etcd)
	if err != nil {
		return unlessInterrupted(ctx, err)
	}
	root, err := actors.Start(system, props.Name("tally"), props.Telemetry(tracing.telemetry))
	if err != nil {
		return err
	}
	t := &tally{system: system, cluster: c, dir: o.dir, perMember: make(map[string]int),
		seen: make(map[[sha256.Size]byte]struct{})}
	showing := t.showProgress(ctx, root, stderr)
	_, err = actors.Schedule(ctx, root, func(ctx context.Context) (int, error) {
		tracing.id = trace.SpanContextFromContext(ctx).TraceID()
		return t.count(ctx)
	}, actors.Named("hash all")).Wait(ctx)
	_ = showing.CancelWait(context.Background(), nil)

	end, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	err = cmp.Or(err, leave(end), actors.Shutdown(end, system))
	<-root.Stopped() // also after leaveTimeout
	var report bytes.Buffer
	t.report(&report) // the caller has stopped, so nobody else has the tally
	untraced := tracing.end(&report)
	if _, err := report.WriteTo(stdout); err != nil {
		return err
	}
	if err == nil && t.unreadable > 0 {
		err = errUnreadable
	}
	return unlessInterrupted(ctx, cmp.Or(err, untraced))
}

// unlessInterrupted returns err, which has another reason if ctx has ended.
func unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// tally holds the numbers. They belong to its caller: only functions on that
// caller's turn touch them.
type tally struct {
	system  *actor.ActorSystem
	cluster *cluster.Cluster
	dir     string

	files, duplicates int
	bytes             int64
	unreadable        int
	reasons           []error // the first of them
	perMember         map[string]int
	seen              map[[sha256.Size]byte]struct{}
}

// count has the members hash all files, and folds in what comes of it. Few calls
// exist at any time, however many files there are.
func (t *tally) count(ctx context.Context) (int, error) {
	for p, err := range pending.AsCompleted(ctx, t.jobs(ctx), pending.MaxConcurrent(callsAtOnce)) {
		if p == nil {
			return t.files, err // ctx has ended
		}
		if err := t.fold(p.Result()); err != nil {
			return t.files, err
		}
	}
	return t.files, ctx.Err()
}

// jobs yields, for each file, the pending of its hash.
func (t *tally) jobs(ctx context.Context) iter.Seq[*pending.Pending[sum]] {
	return func(yield func(*pending.Pending[sum]) bool) {
		for path, err := range files(t.dir) {
			if err != nil {
				t.note(err)
			} else if !yield(t.hash(ctx, path)) {
				return
			}
		}
	}
}

// hash has some member hash a file. A member that dies takes nothing with it: to
// hash a file twice does no harm, so the call is made again.
func (t *tally) hash(ctx context.Context, path string) *pending.Pending[sum] {
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	p := rpc.Call[[]byte, sum](ctx, t.system, rpc.Pool(t.cluster, pool), "hash", []byte(path), rpc.Idempotent(""))
	p.OnDone(func(pending.Handle) { cancel() })
	return p
}

// fold returns an error if it makes no sense to go on.
func (t *tally) fold(s sum, err error) error {
	switch {
	case errors.Is(err, rpc.ErrNoMember):
		return err
	case errors.Is(err, pending.ErrCancelled) && !errors.Is(err, context.DeadlineExceeded):
		return nil // interrupted, which says nothing about the file
	case err != nil:
		t.note(err)
		return nil
	}
	t.files++
	t.bytes += s.Size
	t.perMember[s.Member]++
	if _, ok := t.seen[s.Hash]; ok {
		t.duplicates++
	}
	t.seen[s.Hash] = struct{}{}
	return nil
}

func (t *tally) note(err error) {
	t.unreadable++
	if len(t.reasons) < mostReasons {
		t.reasons = append(t.reasons, err)
	}
}

// files yields the absolute path of every regular file below a directory. It also
// yields the error of everything that cannot be read.
func files(dir string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		dir, err := filepath.Abs(dir)
		if err != nil {
			yield("", err)
			return
		}
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil && !yield("", err), err == nil && entry.Type().IsRegular() && !yield(path, nil):
				return fs.SkipAll
			default:
				return nil
			}
		})
	}
}

// showProgress keeps a line on a terminal up to date, until what it returns is
// cancelled.
func (t *tally) showProgress(ctx context.Context, c *actors.Caller, w io.Writer) pending.Handle {
	return actors.CallSoon(ctx, c, func(ctx context.Context) (struct{}, error) {
		if !isTerminal(w) {
			return struct{}{}, nil
		}
		defer fmt.Fprint(w, clearLine)
		for {
			fmt.Fprintf(w, "%s%d files, %d MiB, %d members", clearLine, t.files, t.bytes>>20, len(t.perMember))
			if err := actors.Sleep(ctx, 100*time.Millisecond); err != nil {
				return struct{}{}, err
			}
		}
	})
}

// clearLine empties the line of a terminal that the cursor is on.
const clearLine = "\r\x1b[K"

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// report prints the numbers.
func (t *tally) report(w io.Writer) {
	fmt.Fprintf(w, "files       %d\n", t.files)
	fmt.Fprintf(w, "bytes       %d\n", t.bytes)
	fmt.Fprintf(w, "duplicates  %d\n", t.duplicates)
	fmt.Fprintf(w, "unreadable  %d\n", t.unreadable)
	for _, reason := range t.reasons {
		fmt.Fprintf(w, "            %s\n", cli.Printable(reason.Error()))
	}
	for _, address := range slices.Sorted(maps.Keys(t.perMember)) {
		fmt.Fprintf(w, "member      %s read %d files\n", address, t.perMember[address])
	}
}
