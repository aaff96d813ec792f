// Package etcdcluster has what a cluster needs of etcd so that it heals: protoactor's
// provider with connections that come back soon, and the owners of identities for
// [rpc.SingleOwner].
//
//	config := clientv3.Config{Endpoints: []string{"127.0.0.1:2379"}}
//	client, err := clientv3.New(config)
//	owners := etcdcluster.NewOwners(client, "/shop/owners")
//
//	err = rpc.RunMember(ctx, func() (*actor.ActorSystem, *cluster.Cluster, error) {
//		system := actor.NewActorSystem()
//		provider, err := etcdcluster.NewProvider("/shop/members", config)
//		if err != nil {
//			return nil, nil, err
//		}
//		remote, err := rpc.RemoteConfig(system, "10.0.0.7:4242", rpc.SingleOwner(owners))
//		if err != nil {
//			return nil, nil, err
//		}
//		c := cluster.New(system, cluster.Configure("shop", provider, disthash.New(), remote))
//		return system, c, nil
//	})
//
// # Owners
//
// A node has one lease of etcd. The record of an identity is a key with that lease, which
// exists while the identity has an owner. The fence is the revision of etcd at which the
// record was made. So an activation costs one transaction, and its end another one. A node
// sends one message for each third of its lease, however many identities it has.
//
// # The names you need
//
// [NewProvider] for the members, and [NewOwners] for identities with one owner. [TTL] says how
// long others wait for an owner that has died.
//
// # Limits
//
// Activations and leases need the quorum of etcd. Without it nothing is activated, and what
// is alive ends when the lease is over. etcd counts leases in seconds, from about two on.
package etcdcluster
