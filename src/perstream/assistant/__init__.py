"""Pure flow: gate, moments, remembering, answering, speaking up."""
