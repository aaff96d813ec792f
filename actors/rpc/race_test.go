package rpc_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raceVariable has the options of the race detector.
const raceVariable = "GORACE"

// failOnRaces returns what the environment of another process needs for a race that
// is found in it to fail the test, also if the process is killed. It is called before
// the clean-up that ends the process is given to the test.
func failOnRaces(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "race")
	t.Cleanup(func() { assert.Empty(t, racesIn(t, path), "races in a node") })
	return logRaces(path)
}

// logRaces returns the environment of a process that writes races to files whose names
// begin with path.
func logRaces(path string) string {
	return raceVariable + "=" + os.Getenv(raceVariable) + " log_path=" + path
}

// racesIn returns what has been written there.
func racesIn(t testing.TB, path string) (reports []string) {
	files, err := filepath.Glob(path + ".*") // one for each process
	require.NoError(t, err)
	for _, file := range files {
		report, err := os.ReadFile(file)
		require.NoError(t, err)
		reports = append(reports, string(report))
	}
	return reports
}

// racesOfProtoactor are functions of protoactor and gRPC that are at one end of each
// known race of theirs: what they read or write themselves is not synchronised. None of
// them calls a function of ours that has a state, whose races would be hidden as well.
const racesOfProtoactor = `
race:github.com/asynkron/protoactor-go/cluster.(*MemberList).BroadcastEvent
race:github.com/asynkron/protoactor-go/cluster.(*MemberList).ContainsMemberID
race:github.com/asynkron/protoactor-go/cluster.setKey
race:github.com/asynkron/protoactor-go/cluster/clusterproviders/etcd.(*Provider).Shutdown
race:github.com/asynkron/protoactor-go/cluster/identitylookup/disthash.(*Manager).onClusterTopology
race:github.com/asynkron/protoactor-go/remote.(*BlockList)
race:google.golang.org/grpc/grpclog
`

// withoutRacesOfProtoactor returns what the environment of another process needs not
// to report those, nor those of the nodes that it starts.
func withoutRacesOfProtoactor(t testing.TB, dir string) string {
	path := filepath.Join(dir, "suppressions")
	require.NoError(t, os.WriteFile(path, []byte(racesOfProtoactor), 0o600))
	return raceVariable + "=" + os.Getenv(raceVariable) + " suppressions=" + path
}
