"""What runs and bags show: experiments, tables, plots, model cards."""
