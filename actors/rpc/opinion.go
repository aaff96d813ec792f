package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// A member may miss a change of the list of members, or others may have expelled it. It may
// never learn that from its provider. So each member asks others what they know: of itself,
// and of all that it takes for members.

const (
	// opinionsFunction is what members call of each other.
	opinionsFunction = "protocaller.opinions"

	// askEvery is the pause between two rounds, and askTimeout how long one may take.
	askEvery   = 500 * time.Millisecond
	askTimeout = time.Second
	// mostAsked is how many members are asked in a round: others come next.
	mostAsked = 8
	// mostNamed is how many members may be asked about.
	mostNamed = 4096

	// patience is how long another member may not know this one, which has just joined.
	patience = 2 * time.Second
	// patienceWithOthers is how long another one may say that a member has left: this node
	// should learn that from its provider.
	patienceWithOthers = 5 * time.Second
)

// opinion is what a member knows of another one.
type opinion byte

const (
	isUnknown opinion = iota
	isMember
	hasLeft
)

var errNotKnown = errors.New("a member does not list it")

// poll is what a node has learned from others.
type poll struct {
	node *node
	next int // whose turn it is to be asked
	// unknownSince is since when a member does not know this one.
	unknownSince map[string]time.Time
	// leftSince is since when a member has left, as others say, that this node lists.
	leftSince map[string]time.Time
}

// askOthers asks other members until the node is none any more.
func (n *node) askOthers() {
	p := &poll{node: n, unknownSince: make(map[string]time.Time), leftSince: make(map[string]time.Time)}
	life := n.alive()
	for {
		select {
		case <-life.Done():
			return
		case <-time.After(askEvery):
		}
		if n.membership.leaving.Load() {
			return
		}
		if err := p.round(life); err != nil {
			n.expel(err)
			return
		}
	}
}

// round asks some members, and returns why this node has to end its membership.
func (p *poll) round(ctx context.Context) error {
	all, own := p.node.members.snapshot()
	if own == "" || len(all) < 2 || len(all) > mostNamed {
		return nil
	}
	asked := p.choose(all, own)
	answers := make([][]byte, len(asked))
	question := questionOf(*p.node.membership.cluster.Load(), all)
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var waiting sync.WaitGroup
	for i, other := range asked {
		waiting.Go(func() { answers[i] = p.node.ask(ctx, other.address, question, len(all)) })
	}
	waiting.Wait()
	return p.judge(all, own, asked, answers, time.Now())
}

// choose returns the members that are asked next.
func (p *poll) choose(all []member, own string) (asked []member) {
	for range all {
		p.next = (p.next + 1) % len(all)
		if other := all[p.next]; other.id != own && len(asked) < mostAsked {
			asked = append(asked, other)
		}
	}
	return asked
}

// judge returns why this node has to end its membership, as the answers say. An answer is
// nil if there is none.
func (p *poll) judge(all []member, own string, asked []member, answers [][]byte, now time.Time) error {
	left := make(map[string]string) // and who says so
	answered := false
	for i, answer := range answers {
		if answer == nil {
			continue
		}
		answered = true
		other := asked[i]
		for k, one := range all {
			about := opinion(answer[k])
			switch {
			case one.id == own:
				if err := p.judgeSelf(other, about, now); err != nil {
					return err
				}
			case about == hasLeft:
				left[one.id] = other.address
			}
		}
	}
	if !answered {
		return nil
	}
	return p.judgeOthers(left, now)
}

func (p *poll) judgeSelf(by member, about opinion, now time.Time) error {
	switch about {
	case hasLeft:
		return fmt.Errorf("%s has taken it off its list of members", by.address)
	case isMember:
		delete(p.unknownSince, by.id)
		return nil
	}
	since, known := p.unknownSince[by.id]
	if !known {
		p.unknownSince[by.id] = now
	} else if now.Sub(since) >= patience {
		return fmt.Errorf("%w: %s", errNotKnown, by.address)
	}
	return nil
}

func (p *poll) judgeOthers(left map[string]string, now time.Time) error {
	for id := range p.leftSince {
		if _, still := left[id]; !still {
			delete(p.leftSince, id)
		}
	}
	for id, by := range left {
		since, known := p.leftSince[id]
		if _, tolerated := p.node.membership.tolerated[id]; tolerated {
			continue
		}
		if !known {
			p.leftSince[id] = now
		} else if now.Sub(since) >= patienceWithOthers {
			return &staleList{id, by}
		}
	}
	return nil
}

// staleList is why a node has to end its membership whose list has a member that is none.
type staleList struct{ id, by string }

func (e *staleList) Error() string {
	return fmt.Sprintf("its list of members has %s, which has left as %s says", e.id, e.by)
}

// questionOf asks about members. The name of the cluster comes first: at an address there may
// be a member of another one by now.
func questionOf(cluster string, all []member) *structpb.ListValue {
	question := &structpb.ListValue{Values: make([]*structpb.Value, 0, 1+len(all))}
	question.Values = append(question.Values, structpb.NewStringValue(clean(cluster)))
	for _, one := range all {
		question.Values = append(question.Values, structpb.NewStringValue(clean(one.id)))
	}
	return question
}

// ask returns the opinions of the node at an address, nil if it has none.
func (n *node) ask(ctx context.Context, address string, question *structpb.ListValue, want int) []byte {
	if n.isLocal(endpoint{address: address}) {
		return nil // an earlier node was there
	}
	p := Call[*structpb.ListValue, *wrapperspb.BytesValue](ctx, n.system, At(address, ""), opinionsFunction, question)
	answer, err := p.Wait(ctx)
	if err != nil || len(answer.GetValue()) != want {
		return nil
	}
	return answer.GetValue()
}

// answerOpinions answers another member. That needs no caller, and no permission: it tells
// nothing but whether this node lists what the other one has named.
func (n *node) answerOpinions(argument *wire.Payload) *wire.Response {
	config := n.config.Load()
	question, err := decode[*structpb.ListValue](config, argument)
	argument.Free()
	var answer []byte
	if err == nil {
		answer, err = n.opinions(question.GetValues())
	}
	if err != nil {
		return n.refusal(err)
	}
	result, err := config.encode(wrapperspb.Bytes(answer))
	return n.answer(opinionsFunction, result, err)
}

func (n *node) opinions(question []*structpb.Value) ([]byte, error) {
	cluster := n.membership.cluster.Load()
	switch _, own := n.members.snapshot(); {
	case cluster == nil || own == "" || n.refusesIdentities() != nil:
		return nil, fmt.Errorf("%w: the node %s is none", ErrNoMember, n.system.Address())
	case len(question) == 0 || len(question) > 1+mostNamed:
		return nil, fmt.Errorf("%w: a question about %d members", ErrTooLarge, len(question)-1)
	case question[0].GetStringValue() != clean(*cluster):
		return nil, fmt.Errorf("%w: the node %s is in another cluster", ErrNoMember, n.system.Address())
	}
	answer := make([]byte, 0, len(question)-1)
	for _, one := range question[1:] {
		answer = append(answer, byte(n.members.opinionOn(one.GetStringValue())))
	}
	return answer, nil
}
