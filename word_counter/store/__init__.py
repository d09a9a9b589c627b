"""The truth in Redis: keys, scripts, and the operations of masters and workers."""
