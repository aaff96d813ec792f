package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"

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

// leaveTimeout is how long the process that has files hashed takes to leave.
const leaveTimeout = 10 * time.Second

// member hashes files for whoever asks the pool, until ctx ends, or the parent does. If it is
// frozen or cut off from the etcd for long, another member comes in its place.
func member(ctx context.Context, o options, stdin io.Reader, stdout, stderr io.Writer) error {
	asked := ctx
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	if o.child {
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			end(nil)
		}()
	}
	tracing, err := startTracing(ctx, o.trace)
	if err != nil {
		return err
	}
	notice := time.AfterFunc(time.Second, func() {
		fmt.Fprintf(stderr, "waiting for the etcd at %s, for %v at most\n", cli.Printable(o.join), patience)
	})
	giveUp := time.AfterFunc(patience, func() { end(errNotFound(o.join)) })
	var failed error
	var first sync.Once
	var wasThere atomic.Bool
	joined := func(system *actor.ActorSystem) {
		first.Do(func() {
			wasThere.Store(true)
			notice.Stop()
			giveUp.Stop()
			if _, failed = fmt.Fprintf(stdout, "member %s\n", system.Address()); failed != nil {
				end(nil)
			}
		})
	}
	err = rpc.RunMember(ctx, func() (*actor.ActorSystem, *cluster.Cluster, error) { return buildMember(o, tracing, joined) })
	notice.Stop()
	giveUp.Stop()
	if !wasThere.Load() {
		return unlessInterrupted(asked, err)
	}
	if err != nil {
		fmt.Fprintln(stderr, "left in a hurry:", cli.OneLine(err)) // as when the etcd has gone before
	}
	return cmp.Or(failed, tracing.end(io.Discard))
}

// buildMember makes what a member is, which calls joined when it is in the cluster.
func buildMember(o options, tracing *tracing, joined func(*actor.ActorSystem)) (*actor.ActorSystem, *cluster.Cluster, error) {
	system := newSystem()
	system.EventStream.Subscribe(func(event any) {
		if _, ok := event.(rpc.Joined); ok {
			joined(system)
		}
	})
	if err := rpc.Handle(system, "hash", hasher(system)); err != nil {
		return nil, nil, err
	}
	workers, err := rpc.PoolKind(system, pool, props.Telemetry(tracing.telemetry), props.MaxWorkers(filesAtOnce))
	if err != nil {
		return nil, nil, err
	}
	c, err := clusterOf(system, o.join, workers)
	return system, c, err
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
