package rpc

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

const (
	// memberPatience is how long the gate waits for the cluster to name a member that
	// has connected already.
	memberPatience = 2 * time.Second

	// The ids of protoactor's own processes.
	idDeadLetter     = "deadletter"
	idEventStream    = "eventstream"
	idSupervisor     = "EndpointSupervisor"
	idActivator      = "activator"
	idGossip         = cluster.DefaultGossipActorName
	idPlacement      = "partition-activator"
	idPlacementOther = "placement-activator" // of identity storages
	idDelivery       = cluster.PubSubDeliveryName
	idConsul         = "consul-provider"
	idKubernetes     = "k8s-cluster-monitor"
	guardianPrefix   = "guardian$"
	futurePrefix     = "future$"

	// idCallers is the process that sends the requests of callers, and gets the answers.
	idCallers     = "callers"
	callersPrefix = idCallers + "/"

	// The packages of protoactor's messages, and some of those.
	actorPrefix   = "actor."
	remotePrefix  = "remote."
	clusterPrefix = "cluster."

	// serializerProtobuf is protoactor's number of the encoding of protobuf.
	serializerProtobuf = 0
)

var (
	typeSpawnRequest      = nameOf((*remote.ActorPidRequest)(nil))
	typeTopology          = nameOf((*cluster.ClusterTopology)(nil))
	typeGossipRequest     = nameOf((*cluster.GossipRequest)(nil))
	typeActivationRequest = nameOf((*cluster.ActivationRequest)(nil))
	typeDelivery          = nameOf((*cluster.DeliverBatchRequestTransport)(nil))
)

func nameOf(m proto.Message) string { return string(m.ProtoReflect().Descriptor().FullName()) }

// sort is what a message does to the process that it is sent to.
type sort int

const (
	ordinary   sort = iota // is handed to the Receive of an actor
	poison                 // stops an actor after what is queued
	stop                   // stops an actor
	watch                  // or its opposite
	terminated             // says that a watched actor has ended
	forbidden              // never comes from outside
)

// judge decides whether a message may pass.
func (p *passage) judge(m parcel) (denial, bool) {
	denied := func(reason reason, detail string) (denial, bool) {
		return denial{reason: reason, target: m.target.GetId(), message: m.typeName, detail: detail}, true
	}
	s, content, err := classify(m)
	switch {
	case err != nil:
		return denied(deniedType, err.Error())
	case s == forbidden || !p.mayReach(m, s):
		return denied(deniedInternal, "it may not be sent from outside")
	case !p.isExposed(m.target.GetId()):
		return denied(deniedExposure, "it is not exposed")
	}
	if err := p.checkNames(m, content); err != nil {
		return denied(deniedAddress, err.Error())
	}
	return denial{}, false
}

// classify returns the sort of a message, and the message itself if it had to be decoded.
// A type that this program does not have is an error: protoactor would panic.
func classify(m parcel) (s sort, content any, err error) {
	if m.GetSerializerId() == serializerProtobuf {
		t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(m.typeName))
		if err != nil {
			return forbidden, nil, errors.New("this program has no such type")
		}
		zero := t.Zero().Interface()
		_, more := zero.(remote.RootSerialized)
		if s = sortOf(zero); s == forbidden || s == ordinary && !more || s == poison || s == stop {
			return s, nil, nil
		}
	}
	if content, err = decodeParcel(m); err != nil {
		return forbidden, nil, err
	}
	return sortOf(content), content, nil
}

// decodeParcel decodes a message as protoactor does, which panics on an encoding that it
// does not know.
func decodeParcel(m parcel) (content any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decoding with the serializer %d: %v", m.GetSerializerId(), r)
		}
	}()
	content, err = remote.Deserialize(m.GetMessageData(), m.typeName, m.GetSerializerId())
	if serialized, ok := content.(remote.RootSerialized); ok && err == nil {
		return serialized.Deserialize()
	}
	return content, err
}

// sortOf returns the sort of a message by its Go type. Encodings other than protobuf may
// have any. That of a batch is the worst of its parts, which mailboxes take apart.
func sortOf(content any) sort {
	switch content := content.(type) {
	case *actor.PoisonPill:
		return poison
	case *actor.Stop:
		return stop
	case *actor.Watch, *actor.Unwatch:
		return watch
	case *actor.Terminated:
		return terminated
	case nil, actor.SystemMessage, actor.AutoReceiveMessage, actor.MailboxMessage,
		*actor.ReceiveTimeout, *actor.MessageEnvelope, *actor.DeadLetterEvent, *actor.SupervisorEvent,
		*remote.EndpointTerminatedEvent, remote.EndpointTerminatedEvent,
		*remote.EndpointConnectedEvent, remote.EndpointConnectedEvent:
		return forbidden
	case actor.MessageBatch:
		worst := ordinary
		for _, part := range content.GetMessages() {
			worst = max(worst, sortOf(part))
		}
		return worst
	default:
		return ordinary
	}
}

// mayReach reports whether a message of a sort may be sent to its target from outside.
func (p *passage) mayReach(m parcel, s sort) bool {
	id := m.target.GetId()
	switch {
	case id == "", id == processID, id == idDeadLetter, id == idSupervisor, isBelow(id, idSupervisor), id == idConsul, id == idKubernetes,
		strings.HasPrefix(id, guardianPrefix):
		return false
	case id == idCallers:
		return s == ordinary && m.GetTargetRequestId() != 0
	case strings.HasPrefix(id, futurePrefix):
		return s == ordinary || s == terminated
	case id == idEventStream, id == idActivator, isOfCluster(id):
		return s == ordinary && p.mayReachInternal(m)
	}
	if _, isCaller := actors.Lookup(p.gate.node.system, id); isCaller || strings.HasPrefix(id, callersPrefix) {
		return s == ordinary || s == terminated && !strings.HasPrefix(id, callersPrefix)
	}
	return true
}

// isOfCluster reports whether an id is that of one of the cluster's own actors.
func isOfCluster(id string) bool {
	return id == idGossip || id == idPlacement || id == idPlacementOther || id == idDelivery
}

// mayReachInternal reports whether a message may be sent to an actor of protoactor's.
func (p *passage) mayReachInternal(m parcel) bool {
	if m.GetSerializerId() != serializerProtobuf {
		return false
	}
	switch m.target.GetId() {
	case idEventStream: // events of protoactor's own change what a node knows of its cluster
		ofCluster := strings.HasPrefix(m.typeName, clusterPrefix)
		return !ofCluster && !strings.HasPrefix(m.typeName, actorPrefix) && !strings.HasPrefix(m.typeName, remotePrefix) ||
			ofCluster && m.typeName != typeTopology && p.isMember()
	case idActivator:
		return m.typeName == typeSpawnRequest && p.gate.node.config.Load().names(idActivator)
	case idGossip:
		return m.typeName == typeGossipRequest && p.isMember()
	case idDelivery:
		return m.typeName == typeDelivery && p.isMember()
	default:
		return strings.HasPrefix(m.typeName, clusterPrefix) && m.typeName != typeTopology && isComplete(m) &&
			(p.isMember() || p.gate.node.config.Load().names(idPlacement))
	}
}

// isComplete reports whether a request for a placement says of what. protoactor would stop
// to place anything after a few that do not.
func isComplete(m parcel) bool {
	if m.typeName != typeActivationRequest {
		return true
	}
	content, err := decodeParcel(m)
	request, ok := content.(*cluster.ActivationRequest)
	return err == nil && ok && request.GetClusterIdentity() != nil
}

// isExposed reports whether the program lets others send messages to an actor of its own.
func (p *passage) isExposed(id string) bool {
	c := p.gate.node.config.Load()
	switch {
	case c.exposed == nil, id == idCallers, id == idActivator, isOfCluster(id), strings.HasPrefix(id, futurePrefix):
		return true
	case isBelow(id, idPlacement) && p.isMember():
		return true
	default:
		return c.exposes(id)
	}
}

// names reports whether a pattern of [Expose] is the id itself.
func (c *config) names(id string) bool {
	for _, pattern := range c.exposed {
		if pattern == id {
			return true
		}
	}
	return false
}

// exposes reports whether a pattern of [Expose] matches an id.
func (c *config) exposes(id string) bool {
	for _, pattern := range c.exposed {
		if matched, _ := path.Match(pattern, id); matched {
			return true
		}
	}
	return false
}

// checkNames returns an error if a message names an actor that the peer may not speak of.
// This node answers to those whom a message names.
func (p *passage) checkNames(m parcel, content any) error {
	switch content := content.(type) {
	case *actor.Watch:
		return p.checkPeers(content.GetWatcher())
	case *actor.Unwatch:
		return p.checkPeers(content.GetWatcher())
	case *actor.Terminated:
		if err := p.checkPeers(content.GetWho()); err != nil {
			return err
		}
		if !p.gate.addresses.isConnected(p.address) {
			return fmt.Errorf("nothing at %s is watched", p.address)
		}
		return nil
	}
	if m.sender == nil {
		return nil
	}
	address := m.sender.GetAddress()
	if p.gate.isOwn(address) {
		if !p.mayAnswer(m.sender.GetId()) {
			return fmt.Errorf("an answer to %q", m.sender.GetId())
		}
		return nil
	}
	return p.gate.introduce(address)
}

// checkPeers returns an error if an actor is none of the peer.
func (p *passage) checkPeers(pid *actor.PID) error {
	switch {
	case pid == nil:
		return errors.New("it names nobody")
	case pid.GetAddress() != p.address || p.gate.isOwn(p.address):
		return fmt.Errorf("%s speaks for %s", p.address, pid.GetAddress())
	default:
		return p.gate.introduce(p.address)
	}
}

// mayAnswer reports whether an actor of this node may be given as the sender of a message.
// The peer chooses what is answered.
func (p *passage) mayAnswer(id string) bool {
	switch {
	case id == "", id == processID, id == idDeadLetter, id == idSupervisor, isBelow(id, idSupervisor), id == idConsul, id == idKubernetes,
		id == idEventStream, id == idActivator, isOfCluster(id), strings.HasPrefix(id, guardianPrefix):
		return false
	default:
		return true
	}
}
