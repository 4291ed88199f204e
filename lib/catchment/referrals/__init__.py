"""The referral room: who sends whom where, what stays, what leaks, what changed, whom to visit."""
