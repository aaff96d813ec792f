//go:build unix

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

const (
	members = 2
	// thinks is how long a deposit takes before it writes: long enough to be frozen meanwhile,
	// and no longer than another member needs to take over.
	thinks = 5 * time.Second
	// leaveTimeout is how long this process takes to leave.
	leaveTimeout = 10 * time.Second
)

var (
	errWrong    = errors.New("the balance is wrong")
	errEnded    = errors.New("the member has ended")
	errAccepted = errors.New("the write of an owner that was replaced was not refused")
)

// story is what happens, and who takes part.
type story struct {
	members map[int]*process // by their numbers
	system  *actor.ActorSystem
	cluster *cluster.Cluster
	stdout  io.Writer
	failed  error // of stdout
}

// tell starts all that is needed, and has the story happen.
func tell(ctx context.Context, stdout io.Writer) error {
	etcd, stopEtcd, err := startEtcd(ctx)
	if err != nil {
		return err
	}
	defer stopEtcd()
	s := &story{members: make(map[int]*process), system: newSystem(), stdout: stdout}
	defer s.stopMembers()
	for range members {
		m, err := startMember(etcd)
		if err != nil {
			return fmt.Errorf("member: %w", err)
		}
		s.members[m.cmd.Process.Pid] = m
		defer context.AfterFunc(ctx, m.end)()
		if _, err := m.output.ReadString('\n'); err != nil {
			s.stopMembers() // so that all is there that they have written
			return fmt.Errorf("member: it has ended before it was there: %s", strings.TrimSpace(m.errors.String()))
		}
	}
	if s.cluster, err = clusterOf(s.system, etcd, nil); err != nil {
		return err
	}
	leave, err := rpc.JoinContext(ctx, s.system, s.cluster)
	if err != nil {
		return err
	}
	err = s.happen(ctx)
	end, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	return cmp.Or(err, s.failed, leave(end), actors.Shutdown(end, s.system))
}

// happen freezes the owner of an account as it is about to write.
func (s *story) happen(ctx context.Context) error {
	first, err := s.deposit(ctx, deposit{Amount: 100}).Wait(ctx)
	if err != nil {
		return err
	}
	s.say("process %d owns the account, with number %d: a deposit of 100 makes %d", first.Process, first.Fence, first.Balance)
	if s.failed != nil { // nobody reads the story
		return s.failed
	}
	owner := s.members[first.Process]

	lost := s.deposit(ctx, deposit{Amount: 1, After: thinks}) // at most once
	if line, err := owner.output.ReadString('\n'); err != nil || strings.TrimSpace(line) != thinking {
		return fmt.Errorf("%w: %q", errEnded, line)
	}
	if err := owner.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	defer owner.thaw()
	s.say("it is frozen as it is about to deposit 1")

	again := []rpc.CallOption{rpc.Idempotent("the deposit of 20"), rpc.AttemptTimeout(time.Second)}
	second, err := s.deposit(ctx, deposit{Amount: 20}, again...).Wait(ctx)
	if err != nil {
		return err
	}
	s.say("process %d owns the account, with number %d: a deposit of 20 makes %d", second.Process, second.Fence, second.Balance)

	owner.thaw()
	line, err := owner.output.ReadString('\n')
	switch {
	case err != nil:
		return errEnded
	case !strings.HasPrefix(line, refused):
		return errAccepted
	}
	s.say("the first is thawed, and writes: %s", cli.Printable(strings.TrimSpace(line)))
	if _, err := lost.Wait(ctx); err == nil {
		return errAccepted
	}

	last, err := s.deposit(ctx, deposit{}).Wait(ctx)
	if err != nil {
		return err
	}
	s.say("balance %d", last.Balance)
	if last.Balance != 120 {
		return errWrong
	}
	return nil
}

// deposit calls the account, wherever it lives.
func (s *story) deposit(ctx context.Context, d deposit, opts ...rpc.CallOption) *pending.Pending[receipt] {
	return rpc.Call[deposit, receipt](ctx, s.system, rpc.Identity(s.cluster, kind, "ada"), "deposit", d, opts...)
}

func (s *story) say(format string, args ...any) {
	_, err := fmt.Fprintf(s.stdout, format+"\n", args...)
	s.failed = cmp.Or(s.failed, err)
}

func (s *story) stopMembers() {
	for _, m := range s.members {
		m.end()
		_ = m.cmd.Wait()
	}
}
