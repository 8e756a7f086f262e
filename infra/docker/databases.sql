-- One database each, so that either can be restored alone.
CREATE DATABASE mlflow;
CREATE DATABASE prefect;
