//go:build race

package rpc_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// That no race was found in nodes means something only if one would be.
func TestRaceInANodeThatIsKilledIsFound(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		path := filepath.Join(t.TempDir(), "found")
		node := startNode(t, "127.0.0.1:0", logRaces(path))
		_, err := rpc.Call[struct{}, int](t.Context(), system, node.target, "race", struct{}{}).Wait(t.Context())
		require.NoError(t, err)
		node.kill(t)
		reports := racesIn(t, path)
		require.Len(t, reports, 1)
		assert.Contains(t, reports[0], "DATA RACE")
	})
}
