"""The personal memory graph: store, graph, recall, forgetting."""
