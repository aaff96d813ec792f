package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// pool is the kind of the members that hash files.
const pool = "hashers"

// sum is what a member says of a file. It travels as JSON.
type sum struct {
	Member string
	Size   int64
	Hash   [sha256.Size]byte
}

// leaveTimeout is how long a member has to finish the files that it has begun.
const leaveTimeout = 10 * time.Second

// member hashes files for whoever asks the pool, until ctx ends, or the parent does.
func member(ctx context.Context, o options, stdin io.Reader, stdout, stderr io.Writer) error {
	if o.child {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			end()
		}()
	}
	tracing, err := startTracing(ctx, o.trace)
	if err != nil {
		return err
	}
	system := newSystem()
	if err := rpc.Handle(system, "hash", hasher(system)); err != nil {
		return err
	}
	workers, err := rpc.PoolKind(system, pool, props.Telemetry(tracing.telemetry), props.MaxWorkers(filesAtOnce))
	if err != nil {
		return err
	}
	notice := time.AfterFunc(time.Second, func() {
		fmt.Fprintf(stderr, "waiting for the etcd at %s, for %v at most\n", cli.Printable(o.join), patience)
	})
	_, leave, err := join(ctx, system, o.join, workers)
	notice.Stop()
	if err != nil {
		return unlessInterrupted(ctx, err)
	}
	_, err = fmt.Fprintf(stdout, "member %s\n", system.Address())
	if err == nil {
		<-ctx.Done()
	}
	end, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := leave(end); err != nil {
		fmt.Fprintln(stderr, "left in a hurry:", cli.OneLine(err)) // as when the etcd has gone before
	}
	return cmp.Or(err, actors.Shutdown(context.Background(), system), tracing.end(io.Discard))
}

// filesAtOnce is how many files a member reads at the same time.
const filesAtOnce = 4

// hasher returns the function of the members, which runs on their workers. Paths are bytes:
// the name of a file need not be text, which JSON is.
func hasher(system *actor.ActorSystem) func(context.Context, []byte) (sum, error) {
	return func(ctx context.Context, name []byte) (sum, error) {
		path := string(name)
		s := sum{Member: system.Address()}
		info, err := os.Lstat(path)
		if err != nil {
			return s, err
		}
		if !info.Mode().IsRegular() { // opening a pipe would not even return
			return s, &fs.PathError{Op: "hash", Path: path, Err: fs.ErrInvalid}
		}
		f, err := os.Open(path)
		if err != nil {
			return s, err
		}
		defer f.Close()
		h := sha256.New()
		if s.Size, err = io.Copy(h, reader{ctx, f}); err != nil {
			return s, err
		}
		h.Sum(s.Hash[:0])
		return s, nil
	}
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
