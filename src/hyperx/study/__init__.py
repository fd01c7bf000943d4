"""The paper's study: which runs it takes, how they are run, and the report on them."""
