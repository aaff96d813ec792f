package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/pebbe/zmq4"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// subscriber shows what it hears, line by line.
type subscriber struct {
	endpoint string // as it is to be connected to
	socket   *zmq4.Socket
	out      *printer
	heard    map[string]int // lines, by caller
	ended    chan error     // what has ended the subscriber

	mu      sync.Mutex
	callers map[string]*pending.Pending[any] // done when all of a caller was heard
}

// subscribe starts a subscriber to everything, which ends when the sockets are
// terminated.
func subscribe(sockets *zmq4.Context, endpoint string, out *printer) (*subscriber, error) {
	socket, err := sockets.NewSocket(zmq4.SUB)
	if err != nil {
		return nil, err
	}
	s := &subscriber{
		socket: socket, out: out,
		heard: make(map[string]int), ended: make(chan error, 1),
		callers: make(map[string]*pending.Pending[any]),
	}
	err = errors.Join(socket.SetSubscribe(""), socket.Bind(endpoint))
	if err == nil {
		s.endpoint, err = socket.GetLastEndpoint() // with the port in place of a "*"
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen at %s: %w", endpoint, err), socket.Close())
	}
	go func() { s.ended <- errors.Join(s.listen(), socket.Close()) }()
	return s, nil
}

// expect makes waitForAll wait for a caller too.
func (s *subscriber) expect(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callers[id] = pending.New[any](context.Background(), pending.Named(id))
}

// waitForAll returns when all was heard that the callers have sent. It returns an
// error if that was not all they have said.
func (s *subscriber) waitForAll(ctx context.Context) error {
	s.mu.Lock()
	callers := slices.Collect(maps.Values(s.callers))
	s.mu.Unlock()
	ended, late, err := pending.WaitAll(ctx, callers, pending.Timeout(patience))
	for _, caller := range ended {
		err = errors.Join(err, caller.Err())
	}
	for _, caller := range late {
		err = errors.Join(err, fmt.Errorf("the end of %s was not heard", caller.Name()))
	}
	return err
}

// wait returns when the subscriber has ended. It returns an error if anything
// but the termination of its sockets has ended it.
func (s *subscriber) wait() error { return <-s.ended }

// total returns how many lines were heard, once the subscriber has ended.
func (s *subscriber) total() (lines int) {
	for _, n := range s.heard {
		lines += n
	}
	return lines
}

func (s *subscriber) listen() error {
	for {
		frames, err := s.socket.RecvMessage(0)
		if zmq4.AsErrno(err) == zmq4.ETERM {
			return nil
		}
		if err != nil {
			return err
		}
		if len(frames) == 3 {
			s.hear(frames[0], frames[1], frames[2])
		}
	}
}

func (s *subscriber) hear(id, topic, data string) {
	if topic != topicEnd {
		s.heard[id]++
		s.out.printf("%-18s | %s\n", cli.Printable(id), cli.Printable(data))
		return
	}
	s.mu.Lock()
	caller, ok := s.callers[id]
	s.mu.Unlock()
	switch said, err := strconv.Atoi(data); {
	case !ok:
	case err == nil && said == s.heard[id]:
		caller.SetResult(nil)
	default:
		caller.SetError(fmt.Errorf("heard %d lines of %s, which has said %s", s.heard[id], id, data))
	}
}
