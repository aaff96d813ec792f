package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// press keeps what is published through it, and which publications are open.
type press struct {
	mu       sync.Mutex
	open     map[string]bool // by the caller's id
	sheets   []string
	closeErr error
	onClose  func()
}

func (p *press) publisher(id string) (props.Publication, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = make(map[string]bool)
	}
	if p.open[id] {
		return nil, errors.New("it is open already")
	}
	p.open[id] = true
	return &sheet{p, id}, nil
}

func (p *press) opened() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []string
	for id := range p.open {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (p *press) published() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sheets)
}

// sheet is the publication of one caller.
type sheet struct {
	press *press
	id    string
}

func (s *sheet) Publish(topic string, data []byte) error {
	s.press.mu.Lock()
	defer s.press.mu.Unlock()
	if !s.press.open[s.id] {
		return errors.New("it is closed")
	}
	s.press.sheets = append(s.press.sheets, fmt.Sprintf("%s: %s %s", s.id, topic, data))
	return nil
}

func (s *sheet) Close() error {
	s.press.mu.Lock()
	defer s.press.mu.Unlock()
	delete(s.press.open, s.id)
	if s.press.onClose != nil {
		s.press.onClose()
	}
	return s.press.closeErr
}

// Item 71 of the seed's behavior.
func TestPublicationIsOpenAsLongAsItsCallerLives(t *testing.T) {
	p := &press{}
	c := unstarted(t, newSystem(t), props.Name("gopher"), props.Publisher(p.publisher))
	assert.Empty(t, p.opened())
	require.ErrorIs(t, c.Publish("news", nil), actors.ErrNoPublisher, "it is not open yet")
	cleanup := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
		_, _ = asleep(ctx)
		return "published", c.Publish("news", []byte("the end"))
	})

	require.NoError(t, c.Start())
	assert.Equal(t, []string{"callers/gopher"}, p.opened())
	require.NoError(t, c.Publish("news", []byte("hello")))
	require.NoError(t, c.Publish("", nil))
	result(t, actors.CallSoon(t.Context(), c, one))
	require.NoError(t, c.StopWait(t.Context()))
	assert.Empty(t, p.opened())
	assert.Equal(t, "published", result(t, cleanup), "it is open until the last function has returned")
	err := c.Publish("news", nil)
	require.ErrorIs(t, err, pending.ErrStopped)
	require.EqualError(t, err, "actors: publish on callers/gopher: pending: caller stopped")
	assert.Equal(t, []string{"callers/gopher: news hello", "callers/gopher:  ", "callers/gopher: news the end"}, p.published())
}

// Item 71 of the seed's behavior.
func TestChildrenHavePublicationsOfTheirOwnUnlessTheyRefuse(t *testing.T) {
	p := &press{}
	c := start(t, newSystem(t), props.Name("gopher"), props.Publisher(p.publisher))
	kid := child(t, c, props.Name("kid"))
	silent := child(t, c, props.Name("silent"), props.Publisher(nil))
	grandkid := child(t, silent, props.Name("kid"))
	worker := result(t, actors.ToThread(t.Context(), c, worker))

	assert.Equal(t, ids(c, kid, worker), p.opened())
	require.NoError(t, kid.Publish("news", []byte("hello")))
	assert.Equal(t, []string{"callers/gopher/kid: news hello"}, p.published())
	for _, c := range []*actors.Caller{silent, grandkid} {
		err := c.Publish("news", nil)
		require.ErrorIs(t, err, actors.ErrNoPublisher)
		require.EqualError(t, err, "actors: caller has no publisher: "+c.ID())
	}
	require.NoError(t, kid.StopWait(t.Context()))
	assert.Equal(t, ids(c, worker), p.opened())
	require.NoError(t, c.StopWait(t.Context()))
	assert.Empty(t, p.opened())
}

func TestPublicationIsTheSameAfterARestart(t *testing.T) {
	p := &press{}
	c := start(t, newSystem(t), props.Publisher(p.publisher), props.Supervision(supervision.Restart()))
	require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
	result(t, actors.CallSoon(t.Context(), c, one))
	require.NoError(t, c.Publish("news", nil))
}

// broken are publishers that open nothing, and what is said of them.
var broken = map[string]struct {
	open func(string) (props.Publication, error)
	want string
}{
	"error":  {func(string) (props.Publication, error) { return nil, errBoom }, "boom"},
	"nil":    {func(string) (props.Publication, error) { return nil, nil }, "it is nil"},
	"panic":  {func(string) (props.Publication, error) { panic(errBoom) }, "pending: panic: boom"},
	"Goexit": {func(string) (props.Publication, error) { exitGoroutine(); return nil, nil }, "runtime.Goexit was called"},
}

// Item 71 of the seed's behavior.
func TestPublicationThatCannotBeOpenedFailsTheStart(t *testing.T) {
	for name, tt := range broken {
		publisher := props.Publisher(tt.open)
		for way, begin := range map[string]func(t *testing.T, system *actor.ActorSystem) error{
			"Start": func(t *testing.T, system *actor.ActorSystem) error {
				c, err := actors.Start(system, on(t, []props.Option{props.Name("gopher"), publisher})...)
				assert.Nil(t, c)
				return err
			},
			"New and Start": func(t *testing.T, system *actor.ActorSystem) error {
				c := unstarted(t, system, props.Name("gopher"), publisher)
				queued := actors.CallSoon(t.Context(), c, one)
				err := c.Start()
				require.ErrorIs(t, queued.Err(), pending.ErrStopped)
				require.ErrorContains(t, queued.Err(), tt.want)
				assert.Equal(t, actors.StateStopped, c.State())
				require.ErrorIs(t, c.Publish("news", nil), actors.ErrNoPublisher)
				return err
			},
			"New and Run": func(t *testing.T, system *actor.ActorSystem) error {
				c := runnable(t, system, props.Name("gopher"), publisher)
				queued := do(t.Context(), c, func(context.Context) { t.Error("it ran") })
				err := c.Run(t.Context())
				require.ErrorIs(t, queued.Err(), pending.ErrStopped)
				return err
			},
			"Child": func(t *testing.T, system *actor.ActorSystem) error {
				parent, err := actors.Start(system)
				require.NoError(t, err)
				_, err = parent.Child(props.Name("kid"), publisher)
				assert.Empty(t, parent.Children())
				again := child(t, parent, props.Name("kid"))
				assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), again, one)), "the name is free")
				require.NoError(t, parent.StopWait(t.Context()))
				return fmt.Errorf("%w of %s", err, "gopher")
			},
			"AsCaller": func(t *testing.T, system *actor.ActorSystem) error {
				log, option := logged()
				asCaller, err := actors.AsCaller(on(t, []props.Option{publisher, option})...)
				require.NoError(t, err)
				pid, err := system.Root.SpawnNamed(actor.PropsFromFunc(puppet, asCaller), "gopher")
				require.NoError(t, err)
				if c, ok := actors.Lookup(system, pid.GetId()); ok {
					<-c.Stopped()
				}
				assert.Contains(t, log.String(), "adopted actor is stopped")
				return errors.New(log.String())
			},
		} {
			t.Run(way+", "+name, func(t *testing.T) {
				system := newSystem(t)
				err := begin(t, system)
				require.ErrorContains(t, err, "actors: start ")
				require.ErrorContains(t, err, "gopher")
				require.ErrorContains(t, err, ": open its publication: "+tt.want)
				if name == "error" && way != "AsCaller" {
					require.ErrorIs(t, err, errBoom)
				}
				assert.Empty(t, slices.Collect(actors.All(system)), "nothing is left")
			})
		}
	}
}

// A worker that cannot start must not be counted, nor counted off twice.
func TestPublicationOfAWorkerThatCannotBeOpenedFailsTheCall(t *testing.T) {
	var fails atomic.Bool
	p := &press{}
	c := start(t, newSystem(t), props.MaxWorkers(1), props.Publisher(func(id string) (props.Publication, error) {
		if fails.Load() {
			return nil, errBoom
		}
		return p.publisher(id)
	}))
	fails.Store(true)
	for range 3 {
		require.ErrorIs(t, failure(actors.ToThread(t.Context(), c, one)), errBoom)
	}
	fails.Store(false)
	started, release := make(chan struct{}), make(chan struct{})
	first := actors.ToThread(t.Context(), c, func(context.Context) (int, error) {
		close(started)
		<-release
		return 1, nil
	})
	<-started
	second := actors.ToThread(t.Context(), c, one)
	assert.Len(t, c.Children(), 1, "the second call waits for the only worker")
	close(release)
	assert.Equal(t, 2, result(t, first)+result(t, second))
}

// Item 71 of the seed's behavior.
func TestPublicationThatCannotBeClosedIsLogged(t *testing.T) {
	for name, tt := range map[string]struct {
		press *press
		want  string
	}{
		"error":  {&press{closeErr: errBoom}, `"actors: publication not closed" caller=callers/gopher error=boom`},
		"panic":  {&press{onClose: func() { panic(errBoom) }}, `"actors: closing of the publication panicked" caller=callers/gopher panic=boom`},
		"Goexit": {&press{onClose: exitGoroutine}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log, option := logged()
			c := start(t, newSystem(t), props.Name("gopher"), option, props.Publisher(tt.press.publisher))
			require.NoError(t, c.StopWait(t.Context()))
			assert.Contains(t, log.String(), tt.want)
			assert.Empty(t, tt.press.opened())
		})
	}
}

func TestPublishingAtTheTimeOfAStop(t *testing.T) {
	system := newSystem(t)
	for range 20 {
		p := &press{}
		c := start(t, system, props.Publisher(p.publisher))
		var publishing sync.WaitGroup
		published := make([]int, 4)
		for i := range published {
			publishing.Go(func() {
				for {
					err := c.Publish("news", nil)
					if err != nil {
						assert.ErrorIs(t, err, pending.ErrStopped, "no publication is used after it was closed")
						return
					}
					published[i]++
					runtime.Gosched()
				}
			})
		}
		require.NoError(t, c.StopWait(t.Context()))
		publishing.Wait()
		total := 0
		for _, n := range published {
			total += n
		}
		assert.Len(t, p.published(), total)
	}
}

func TestNobodyWaitsForThePublicationOfAWorker(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		p := &press{}
		c := start(t, system, props.Publisher(func(id string) (props.Publication, error) {
			if len(p.opened()) > 0 {
				time.Sleep(time.Second)
			}
			return p.publisher(id)
		}))
		began := time.Now()
		call := actors.ToThread(t.Context(), c, one)
		assert.Zero(t, time.Since(began))
		assert.Equal(t, 1, result(t, call))
	})
}

func TestCallersPublishOnTheEventStream(t *testing.T) {
	system := newSystem(t)
	var mu sync.Mutex
	var heard []props.Published
	system.EventStream.Subscribe(func(event any) {
		if published, ok := event.(props.Published); ok {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, published)
		}
	})
	c := start(t, system, props.Name("gopher"), props.Publisher(props.EventStream(system)))
	kid := child(t, c, props.Name("kid"))
	require.NoError(t, c.Publish("news", []byte("hello")))
	require.NoError(t, kid.Publish("more", []byte("hi")))
	require.NoError(t, kid.StopWait(t.Context()))
	require.ErrorIs(t, kid.Publish("more", nil), pending.ErrStopped)
	require.NoError(t, c.Publish("news", nil), "the stream goes on")
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, []props.Published{
		{CallerID: "callers/gopher", Topic: "news", Data: []byte("hello")},
		{CallerID: "callers/gopher/kid", Topic: "more", Data: []byte("hi")},
		{CallerID: "callers/gopher", Topic: "news"},
	}, heard)
}
