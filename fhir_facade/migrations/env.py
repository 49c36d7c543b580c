"""What Alembic runs: the migrations of the facade's own tables, on the connection that it is given."""

from alembic import context

from fhir_facade.migrations import OWN, VERSIONS, include_object

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=OWN,
    version_table=VERSIONS,
    include_object=include_object,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
