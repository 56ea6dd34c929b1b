"""Your own model: where its gradients go, which symptom they show, and what to try first."""
