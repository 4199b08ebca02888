"""Analysis of runs and bags: experiments, tables, plots, model cards."""
