package rpc

import (
	"testing"

	"github.com/asynkron/protoactor-go/cluster"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

func TestMembersOfAPoolThatHaveFailed(t *testing.T) {
	r := newReceiver(t)
	r.members.listening = true
	r.members.set(&cluster.ClusterTopology{Members: []*cluster.Member{
		{Id: "1", Host: "a", Port: 1, Kinds: []string{"hash"}}, {Id: "2", Host: "b", Port: 1, Kinds: []string{"hash"}},
	}}, "3")
	p := &pool{kind: "hash", choose: leastBusy}
	for range 3 {
		at, err := p.find(t.Context(), r.node, []failure{{"a:1", ErrNodeDown}})
		require.NoError(t, err)
		assert.Equal(t, "b:1", at.address, "another one")
	}
	at, err := p.find(t.Context(), r.node, []failure{{"b:1", actors.ErrOverloaded}, {"a:1", ErrNodeDown}})
	require.NoError(t, err)
	assert.NotEmpty(t, at.address, "it may be back, or another one at its address")
	_, err = p.find(t.Context(), r.node, []failure{{"a:1", ErrNodeDown}, {"b:1", actors.ErrOverloaded}})
	require.ErrorIs(t, err, actors.ErrOverloaded)
}
