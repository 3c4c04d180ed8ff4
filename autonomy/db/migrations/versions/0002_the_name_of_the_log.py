"""the name of the log"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("log_head", sa.Column("origin", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("log_head", "origin")
