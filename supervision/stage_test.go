package supervision

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
)

var errBroken = errors.New("broken")

// fail is a message that makes an actor of a stage panic with errBroken.
type fail struct{}

// role describes an actor of a stage and its children.
type role struct {
	name       string
	supervisor actor.SupervisorStrategy
	stopTakes  time.Duration
	children   []role
}

// stage is an actor system whose actors note what happens to them, and when. It belongs into a
// synctest bubble: its methods return when nothing is left to happen without time passing.
type stage struct {
	t      *testing.T
	system *actor.ActorSystem
	began  time.Time

	mu         sync.Mutex
	pids       map[string]*actor.PID
	stories    map[string][]string
	directives []string
}

// perform runs a test on a stage in a bubble of its own.
func perform(t *testing.T, play func(*stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		play(s)
		// A goroutine that protoactor starts at a dead letter ends after its throttle interval.
		s.pass(time.Second)
	})
}

func newStage(t *testing.T) *stage {
	s := &stage{
		t:       t,
		system:  newSystem(),
		began:   time.Now(),
		pids:    make(map[string]*actor.PID),
		stories: make(map[string][]string),
	}
	s.system.EventStream.Subscribe(func(event any) {
		switch event := event.(type) {
		case *actor.SupervisorEvent:
			s.noteDirective(event)
		case *actor.DeadLetterEvent:
			s.note("dead letters", fmt.Sprintf("%T", event.Message))
		}
	})
	return s
}

func newSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
}

func (s *stage) note(name, event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stories[name] = append(s.stories[name], fmt.Sprintf("%v %s", time.Since(s.began), event))
}

func (s *stage) noteDirective(event *actor.SupervisorEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, pid := range s.pids {
		if pid.Equal(event.Child) {
			s.directives = append(s.directives, fmt.Sprintf("%v %v %s", time.Since(s.began), event.Directive, name))
		}
	}
}

// enter spawns an actor with its children, without a parent.
func (s *stage) enter(r role, opts ...actor.PropsOption) {
	s.remember(r.name, s.system.Root.Spawn(s.props(r).Configure(opts...)))
	synctest.Wait()
}

func (s *stage) props(r role) *actor.Props {
	receive := func(ctx actor.Context) {
		switch message := ctx.Message().(type) {
		case *actor.Started:
			s.note(r.name, "started")
			s.spawnChildren(ctx, r)
		case *actor.Restarting:
			s.note(r.name, "restarting")
		case *actor.Stopping:
			s.note(r.name, "stopping")
			time.Sleep(r.stopTakes)
		case *actor.Stopped:
			s.note(r.name, "stopped")
		case string:
			s.note(r.name, message)
		case fail:
			panic(errBroken)
		case role:
			s.spawnChildren(ctx, role{children: []role{message}})
		}
	}
	return actor.PropsFromFunc(receive, actor.WithSupervisor(r.supervisor))
}

func (s *stage) spawnChildren(ctx actor.Context, r role) {
	for _, child := range r.children {
		pid, err := ctx.SpawnNamed(s.props(child), child.name)
		if err != nil {
			s.t.Error(err)
			continue
		}
		s.remember(child.name, pid)
	}
}

func (s *stage) remember(name string, pid *actor.PID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pids[name] = pid
}

func (s *stage) pid(name string) *actor.PID {
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Contains(s.t, s.pids, name)
	return s.pids[name]
}

func (s *stage) send(name string, message any) {
	s.system.Root.Send(s.pid(name), message)
	synctest.Wait()
}

func (s *stage) fail(name string) {
	s.send(name, fail{})
}

func (s *stage) stop(name string) {
	s.system.Root.Stop(s.pid(name))
	synctest.Wait()
}

// pass lets virtual time pass.
func (s *stage) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// story returns what happened to the actors of a name, each event with its time since the beginning.
func (s *stage) story(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stories[name]
}

// decided returns the directives that were published, with their times.
func (s *stage) decided() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.directives
}
