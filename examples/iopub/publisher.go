package main

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/seed-7fcaac1b/protocaller/props"
)

// topicEnd is that of the last message of a caller, which says how many there
// were before.
const topicEnd = "end"

// publisher opens the sockets of callers.
type publisher struct {
	sockets  *zmq4.Context
	endpoint string
	patience time.Duration   // how long it waits for the subscriber
	expect   func(id string) // tells the subscriber of a caller
}

// socket is that of one caller. ZeroMQ wants one goroutine at a time to use it.
type socket struct {
	*zmq4.Socket
	id string

	mu    sync.Mutex
	lines int
}

// open is for props.Publisher.
//
// A PUB socket drops what it is given before the subscription has reached it,
// some time after it has connected. It also drops whatever is too much for a slow
// subscriber. An XPUB socket is the same to the subscriber, but can wait in both
// cases.
func (p publisher) open(id string) (props.Publication, error) {
	s, err := p.sockets.NewSocket(zmq4.XPUB)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		s.SetXpubNodrop(true),
		s.SetSndtimeo(p.patience),
		s.SetRcvtimeo(p.patience),
		s.SetLinger(p.patience), // for what is on its way when the socket is closed
		s.Connect(p.endpoint),
	)
	if err == nil {
		_, err = s.RecvBytes(0) // the subscription
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("no subscriber at %s: %w", p.endpoint, err), s.Close())
	}
	p.expect(id)
	return &socket{Socket: s, id: id}, nil
}

// Publish implements [props.Publication]. The id comes first, so that one may
// subscribe to a caller and its children.
func (s *socket) Publish(topic string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.SendMessage(s.id, topic, data); err != nil {
		return fmt.Errorf("%s cannot publish: %w", s.id, err)
	}
	s.lines++
	return nil
}

// Close implements [props.Publication].
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.SendMessage(s.id, topicEnd, strconv.Itoa(s.lines))
	return errors.Join(err, s.Socket.Close())
}
